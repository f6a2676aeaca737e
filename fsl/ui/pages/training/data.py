"""The pictures to learn from: a data set by name, the Classify page's classes, or an uploaded zip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.errors import DataError, FslError
from fsl.config import ModelConfig
from fsl.data.catalogue import catalogue, listing_source, open_source
from fsl.data.intake.server_limits import PAGE_LIMITS
from fsl.data.intake.zips import list_zip
from fsl.data.query import DataSpec, ImageQuery
from fsl.ui.pages.training.settings import DATA, SEED
from fsl.ui.pages.training.split import Split, show_split, show_split_of_pictures
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core
from fsl.ui.shared.budget import decoded, refuse_beyond_budget
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.folder_drop import show_dropped
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.problems import show_fault, show_problems
from fsl.ui.shared.sources import label_of, workspace_source
from fsl.ui.shared.state import session
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.uploads import taken
from fsl.ui.shared.waiting import reading_bar

if TYPE_CHECKING:
    from fsl.data.imageset import ImageSet
    from fsl.data.intake.listing import Listing, Problem
    from fsl.training.run_data import TrainingData
    from fsl.ui.shared.workspace import ClassCard

MINE = "the classes of the Classify page"
UPLOAD = "a zip of my own"
_MY_WORDS = "my classes"


@dataclass(frozen=True, eq=False)
class Zip:
    """An uploaded zip whose files are listed but not read yet."""

    name: str
    data: bytes
    listing: Listing


@dataclass
class UploadedData(TabState):
    """The user's own pictures on this page.

    Attributes:
        zip: the latest zip that could be read.
        fault: why a later zip could not be read, "" if none failed.
        drops: how often the drop zone was emptied; part of its key.
        images: the latest images at a network's size: what they were made of, the images, and the files that
            could not be used.
    """

    zip: Zip | None = None
    fault: str = ""
    drops: int = 0
    images: tuple[tuple[Hashable, ...], ImageSet, tuple[Problem, ...]] | None = None

    def forget_notices(self) -> None:
        """Forget what the page says about the last change."""
        self.fault = ""

    def forget_results(self) -> None:
        """Forget the images, which can be made of the zip again."""
        self.images = None

    def holdings(self) -> Iterator[Holding]:
        """Return what it takes of the session's memory."""
        yield from self._zip_holding()
        if self.images is not None:
            yield Holding(id(self.images[1]), self.images[1].images.nbytes)

    def put_zip(self, new: Zip) -> None:
        """Replace the zip.

        Raises:
            DataError: there is no room for it.
        """
        refuse_beyond_budget(self, [Holding(id(new.data), len(new.data))])
        self.zip, self.images, self.fault = new, None, ""

    def forget_zip(self) -> None:
        """Drop the zip and the images made of it."""
        if self.images_are_of_zip:
            self.images = None
        self.zip, self.fault = None, ""

    @property
    def images_are_of_zip(self) -> bool:
        """Whether the images were made of the zip."""
        return self.zip is not None and self.images is not None and self.images[0][0] == id(self.zip)

    def remember(
        self,
        key: tuple[Hashable, ...],
        n: int,
        size: int,
        make: Callable[[], tuple[ImageSet, tuple[Problem, ...]]],
    ) -> ImageSet:
        """Return the images for ``key``, making them if the latest ones have another key.

        Args:
            key: what the images are made of.
            n: number of images.
            size: side of each in pixels.
            make: returns the images and the files that could not be used.

        Raises:
            DataError: there is no room for them, or none can be read.
        """
        if self.images is None or self.images[0] != key:
            self.images = None
            refuse_beyond_budget(self, [*self._zip_holding(), decoded(n, size)])
            self.images = (key, *make())
        return self.images[1]

    def _zip_holding(self) -> Iterator[Holding]:
        if self.zip is not None:
            yield Holding(id(self.zip.data), len(self.zip.data))


uploaded_data = per_session("few_shot_lab_training_own", UploadedData)
"""The own pictures of this browser session."""


def choose_data() -> str:
    """Let the user choose the pictures; return the key of a data set, ``MINE`` or ``UPLOAD``."""
    data = str(st.selectbox(**replace(DATA, options=_titles()).widget()))
    if data == UPLOAD:
        _show_upload()
    return data


def _titles() -> dict[str, str]:
    named = {key: f"{label_of(source)}: {source.about}" for key, source in catalogue().items()}
    mine = {MINE: "The classes of the Classify page", UPLOAD: "A zip of my own: one folder per class"}
    return {**named, **mine}


def show_held_out(data: str) -> Split:
    """Show what is held out of these pictures for testing."""
    if data == MINE:
        return show_split_of_pictures([len(card.pictures) for card in my_cards()])
    try:
        names = _class_names(data)
    except FslError as error:
        st.warning(markdown(str(error)))
        names = ()
    return show_split(names, SEED.value, _counts_of_zip() if data == UPLOAD else None)


def _counts_of_zip() -> Counter[str]:
    """Return the number of pictures of each class of the uploaded zip."""
    stored = uploaded_data().zip
    return Counter(entry.class_name or "" for entry in stored.listing.in_classes) if stored else Counter()


def _class_names(data: str) -> tuple[str, ...]:
    if data == UPLOAD:
        stored = uploaded_data().zip
        return stored.listing.class_names if stored else ()
    source = open_source(data)
    return training_state().memo.remember(("classes", data, source.is_here), source.class_names)


def my_cards() -> list[ClassCard]:
    """Return the Classify page's classes with at least two pictures."""
    return [card for card in session().workspace.classes if len(card.pictures) >= 2]


def is_preloadable(data: str) -> bool:
    """Return whether this is a data set that needs no download."""
    source = catalogue().get(data)
    return source is not None and source.is_here


def needs_download(data: str) -> bool:
    """Return whether this is a data set that must be downloaded first."""
    return data in catalogue() and not is_preloadable(data)


def version_of_own_data(data: str) -> Hashable:
    """Return what changes when the user's own pictures change, or None for a data set."""
    if data == MINE:
        return tuple((card.name, picture.digest) for card in my_cards() for picture in card.pictures)
    return id(uploaded_data().zip) if data == UPLOAD else None


def is_of(words: str, data: str) -> bool:
    """Return whether a run's description of its pictures means the chosen ones.

    Args:
        words: description in the run folder: "digits, 0.4 of the classes held out, seed 0".
        data: key of a data set, ``MINE`` or ``UPLOAD``.
    """
    stored = uploaded_data().zip
    shown = {MINE: _MY_WORDS, UPLOAD: stored.name if stored else ""}.get(data, data)
    return words == shown or words.startswith((f"{shown},", f"{shown} "))


def data_of_run(data: str, split: Split, model: ModelConfig, seed: int) -> DataSpec | TrainingData:
    """Return the data of a run: the description of a data set, or the user's own images.

    Raises:
        DataError: pictures are missing or cannot be used.
    """
    if data == MINE:
        return _my_classes(model, split, seed)
    if data == UPLOAD:
        return _my_zip(model, split, seed)
    return DataSpec(data=data, hold_out=split.share, held_out=split.names)


def _my_classes(model: ModelConfig, split: Split, seed: int) -> TrainingData:
    cards = my_cards()
    if len(cards) < 2:
        raise DataError(
            "The Classify page has fewer than 2 classes with at least 2 pictures. Add pictures there, or "
            "choose other pictures here."
        )
    source, query = workspace_source(cards), ImageQuery(model.image_size, model.fit)
    key = (source.key, query)
    images = uploaded_data().remember(key, source.n_images, query.size, lambda: source.load(query))
    # The network will tell these classes apart, so the test uses other pictures of the same classes.
    return core.hold_out_share(images, split.share, "images", seed, _MY_WORDS)


def _my_zip(model: ModelConfig, split: Split, seed: int) -> TrainingData:
    stored = uploaded_data().zip
    if stored is None:
        raise DataError("Drop a zip with one folder per class first.")
    place = st.empty()
    source = listing_source(f"{UPLOAD} {id(stored)}", stored.name, stored.listing)
    query = ImageQuery(model.image_size, model.fit)
    images = uploaded_data().remember(
        (id(stored), query), source.n_images, query.size, lambda: source.load(query, reading_bar(place))
    )
    place.empty()
    if split.names:
        return core.hold_out_by_name(images, split.names, stored.name)
    # Keep the classes that the page shows: a new draw would differ if no file of a class can be read.
    tested = [name for name in split.tested if name in images.class_names]
    if 2 <= len(tested) <= images.n_classes - 2:
        return core.hold_out_by_name(images, tested, stored.name)
    return core.hold_out_share(images, split.share, "images", seed, stored.name)


def _show_upload() -> None:
    held = uploaded_data()
    file = st.file_uploader("Zip with one folder per class", type="zip", key=f"training_zip_{held.drops}")
    if file is not None:
        with taken([file]) as [(name, content)]:
            held.drops += 1
            try:
                held.put_zip(Zip(name, content, list_zip(content, name, PAGE_LIMITS)))
            except FslError as error:
                held.fault = str(error)
        st.rerun()
    show_fault(held.fault)
    if held.zip is not None:
        show_dropped("training_zip", held.zip.name, held.forget_zip)
        for note in held.zip.listing.notes:
            st.caption(markdown(note))
        problems = held.zip.listing.problems
        if held.images is not None and held.images_are_of_zip:
            problems = held.images[2]
        show_problems(problems)
