"""The pictures that an evaluation can be made on. No Streamlit."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsl.base.progress import Progress
from fsl.config import Fit
from fsl.data.builtin import BUILTIN_SETS
from fsl.data.intake.listing import ImageEntry, Listing, Problem
from fsl.data.intake.splits import class_lists
from fsl.data.named import NamedSet, named_sets
from fsl.data.public import PART_OF, PUBLIC_SETS, public_is_here
from fsl.ui.shared import core
from fsl.ui.shared.budget import MAX_BYTES, Holding
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from fsl.data.imageset import ImageSet

CLASSIFY = "classify"
UPLOAD = "upload"
_CLASSIFY_FILE = "my-classes.zip"


@dataclass(frozen=True, eq=False)
class Upload:
    """What was dropped.

    Attributes:
        title: name of the zip or folder.
        listing: what is in it.
        digest: sha256 of its content.
        n_bytes: its size as dropped.
    """

    title: str
    listing: Listing
    digest: str
    n_bytes: int

    @property
    def holding(self) -> Holding:
        """What it takes of the session's memory."""
        return Holding(id(self.listing), self.n_bytes)


@dataclass(frozen=True, eq=False)
class EvaluationSource:
    """Pictures that an evaluation can be made on.

    Attributes:
        key: of it, in the state; different for different content.
        title: in the list.
        data: as the command line's ``--data`` takes it.
        listing: its files, where it is no set that goes by a name.
        lists: the class lists of a set that has some, by name: as ``--classes`` takes them.
        credit: whom to name, "" for nobody.
        archive: makes the zip that ``data`` names, where nobody has it yet.
        origin: the larger data set that it is a part of, by the name that networks were trained on it under.
        is_fetched: whether its pictures come from the internet the first time.
    """

    key: str
    title: str
    data: str
    listing: Listing | None = None
    lists: tuple[tuple[str, str], ...] = ()
    credit: str = ""
    archive: Callable[[], bytes] | None = None
    origin: str = ""
    is_fetched: bool = False

    def progress_text(self, done: int, total: int) -> str:
        """What ``load`` is doing, for people, at so much of so many files, bytes or images."""
        if self.is_fetched:
            share = f": {done / total:.0%}" if total else ""
            return f"Fetching the pictures where they are not here yet, and reading them{share}"
        return f"Reading pictures: {done:,} of {total:,}"

    def load(
        self, size: int, fit: Fit, classes: str, per_class: int, progress: Progress
    ) -> tuple[ImageSet, tuple[Problem, ...]]:
        """Its images as a network takes them, and the files that could not be used.

        Args:
            size: side of the images in pixels.
            fit: how a picture becomes a square.
            classes: name of one of ``lists``, "" for all classes.
            per_class: images of each class at most.
            progress: called with (done, total).

        Raises:
            DataError: there is nothing to use, or too much, or it cannot be fetched.
        """
        if self.listing is not None:
            return core.load_image_set(
                self.listing, size, fit, per_class=per_class, progress=progress, most_bytes=MAX_BYTES
            )
        problems: list[Problem] = []
        spec = dict(self.lists).get(classes, "")
        images = core.load_images(
            self.data,
            size,
            fit,
            classes=spec,
            per_class=per_class,
            report=problems.extend,
            progress=progress,
            most_bytes=MAX_BYTES,
        )
        return images, tuple(problems)


def sources(workspace: Workspace, upload: Upload | None) -> dict[str, EvaluationSource]:
    """What can be evaluated on now, by key."""
    found = []
    if any(card.pictures for card in workspace.classes):
        found.append(_of_workspace(workspace))
    if upload is not None:
        found.append(
            EvaluationSource(
                f"{UPLOAD}-{upload.digest}", f"My pictures: {upload.title}", upload.title, upload.listing
            )
        )
    found += [_of_named(known) for known in named_sets().values()]
    found += [EvaluationSource(name, title, name) for name, title in BUILTIN_SETS.items()]
    found += [_of_public(name, title) for name, title in PUBLIC_SETS.items()]
    return {source.key: source for source in found}


def upload_of(title: str, listing: Listing, files: Sequence[tuple[str, bytes]]) -> Upload:
    """A drop as a source; ``files`` are its bytes by name."""
    digest = hashlib.sha256()
    for name, data in files:
        digest.update(f"{name}\n".encode())
        digest.update(hashlib.sha256(data).digest())
    n_bytes = sum(len(data) for _, data in files)
    return Upload(title, listing, digest.hexdigest()[:16], n_bytes)


def _of_named(known: NamedSet) -> EvaluationSource:
    prefix = known.list_prefix
    lists = class_lists(known.splits) if known.splits else ()
    own = tuple(
        (name.removeprefix(prefix), f"{known.splits}:{name}") for name in lists if name.startswith(prefix)
    )
    return EvaluationSource(known.name, known.title, known.name, lists=own, credit=known.credit)


def _of_public(name: str, title: str) -> EvaluationSource:
    if not public_is_here(name):
        what, _, about = title.partition(":")
        title = f"{what} (to download):{about}"
    return EvaluationSource(name, title, name, origin=PART_OF.get(name, ""), is_fetched=True)


def _of_workspace(workspace: Workspace) -> EvaluationSource:
    entries = tuple(
        ImageEntry(card.name, f"{number}/{picture.name}", lambda data=picture.data: data)  # type: ignore[misc]
        for number, card in enumerate(workspace.classes)
        for picture in card.pictures
    )
    digest = hashlib.sha256()
    for card in workspace.classes:
        for picture in card.pictures:
            digest.update(f"{card.name}\n{picture.digest}\n".encode())
    key = f"{CLASSIFY}-{digest.hexdigest()[:16]}"
    listing = Listing(entries, ())
    return EvaluationSource(
        key,
        "My classes on the Classify page",
        _CLASSIFY_FILE,
        listing,
        archive=lambda: _zipped(listing),
    )


def _zipped(listing: Listing) -> bytes:
    """The pictures as a zip with a folder per class; file names are numbers, which are safe everywhere."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, entry in enumerate(listing.entries):
            suffix = entry.name.rpartition(".")[2]
            folder = (entry.class_name or "").replace("/", "_").replace("\\", "_")
            archive.writestr(f"pictures/{folder}/{number:05}.{suffix}", entry.read())
    return out.getvalue()
