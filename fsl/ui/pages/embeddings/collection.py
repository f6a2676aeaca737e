"""The pictures that a map shows, from wherever they come. No Streamlit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.data.intake.listing import Listing, Problem
from fsl.embedding.labelled import MAX_IMAGES, NO_CLASS
from fsl.embedding.sample import spread_sample
from fsl.ui.pages.compare.state import CompareState
from fsl.ui.shared.intake import Intake, take_files, take_listing
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.workspace import Workspace

MOST_PICTURES = MAX_IMAGES


@dataclass(frozen=True, eq=False)
class Collection:
    """Pictures with their classes.

    Attributes:
        title: what they are, in a few words.
        pictures: n of them.
        labels: the class of each, positions in ``class_names``; ``NO_CLASS`` for pictures to classify.
        class_names: distinct.
        credit: whom to name beside the pictures, "" for nobody.
        problems: files that could not be used.
        left_out: how many more there were than were taken.
    """

    title: str
    pictures: tuple[StoredPicture, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    credit: str = ""
    problems: tuple[Problem, ...] = ()
    left_out: int = 0

    @cached_property
    def key(self) -> str:
        """A sha256 of what is shown: equal collections have equal ones."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        for picture, label in zip(self.pictures, self.labels, strict=True):
            digest.update(f"{picture.digest} {label} {picture.name}\n".encode())
        return digest.hexdigest()

    def class_of(self, row: int) -> str:
        """The name of a picture's class, "" where it has none."""
        label = self.labels[row]
        return "" if label == NO_CLASS else self.class_names[label]

    def found(self, words: str) -> tuple[int, ...]:
        """The pictures whose class or file name holds ``words``, in any case; none for blank words."""
        wanted = words.strip().casefold()
        if not wanted:
            return ()
        return tuple(
            row
            for row, picture in enumerate(self.pictures)
            if wanted in picture.name.casefold() or wanted in self.class_of(row).casefold()
        )


def of_workspace(workspace: Workspace) -> Collection:
    """The support set and the queries of the Classify page."""
    # Two cards may bear the same name for a while; on a map they are one class then.
    classes: dict[str, list[StoredPicture]] = {}
    for card in workspace.classes:
        if card.pictures:
            classes.setdefault(card.name, []).extend(card.pictures)
    return _collection("Your pictures on the Classify page", classes, workspace.queries)


def of_comparison(state: CompareState) -> Collection:
    """The reference pictures of the Compare page as a class, and what is compared with them."""
    return _collection(
        "Your pictures on the Compare page", {"the one you know": state.references}, state.probes
    )


def of_files(title: str, classes: Mapping[str, Sequence[tuple[str, bytes]]], credit: str = "") -> Collection:
    """Named files by class, each checked."""
    return _collection(title, {name: take_files(files)[0] for name, files in classes.items()}, (), credit)


def of_listing(
    title: str, listing: Listing, most: int, credit: str = "", progress: Progress | None = None
) -> Collection:
    """A part of what a folder or a zip holds, with every class represented.

    Args:
        title: what it is.
        listing: as found.
        most: how many pictures to take, at most ``MOST_PICTURES``.
        credit: whom to name.
        progress: called with (done, total).

    Raises:
        DataError: it holds no readable picture.
    """
    entries = listing.entries
    rows = spread_sample([entry.class_name for entry in entries], min(most, MOST_PICTURES))
    intake: Intake = take_listing(Listing(tuple(entries[row] for row in rows), listing.problems), progress)
    problems = tuple(intake.problems)
    if not intake.classes and not intake.queries:
        first = f" The first problem: {problems[0]}." if problems else ""
        raise DataError(f"{title}: there is no picture in it that can be read.{first}")
    left_out = len(entries) - len(rows)
    return _collection(title, intake.classes, intake.queries, credit, problems, left_out)


def _collection(
    title: str,
    classes: Mapping[str, Sequence[StoredPicture]],
    queries: Sequence[StoredPicture],
    credit: str = "",
    problems: tuple[Problem, ...] = (),
    left_out: int = 0,
) -> Collection:
    pictures = [picture for members in classes.values() for picture in members]
    labels = [label for label, members in enumerate(classes.values()) for _ in members]
    return Collection(
        title,
        (*pictures, *queries),
        (*labels, *(NO_CLASS for _ in queries)),
        tuple(classes),
        credit,
        problems,
        left_out,
    )
