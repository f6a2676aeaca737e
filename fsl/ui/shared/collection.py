"""Pictures with their classes, wherever they come from. No Streamlit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from fsl.data.intake.listing import Problem
from fsl.embedding.labelled import NO_CLASS
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Collection:
    """Pictures with their classes.

    Attributes:
        title: short title.
        pictures: n pictures.
        labels: position in ``class_names`` of each picture's class; ``NO_CLASS`` for pictures to classify.
        class_names: distinct class names.
        credit: credit for the pictures, "" for none.
        problems: files that could not be used.
        left_out: number of pictures that were not taken.
        notes: sentences about how the pictures were read.
    """

    title: str
    pictures: tuple[StoredPicture, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    credit: str = ""
    problems: tuple[Problem, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        """A sha256 of the content; equal collections have equal keys."""
        digest = hashlib.sha256(repr(self.class_names).encode())
        for picture, label in zip(self.pictures, self.labels, strict=True):
            digest.update(f"{picture.digest} {label} {picture.name}\n".encode())
        return digest.hexdigest()

    @cached_property
    def pictures_key(self) -> str:
        """A sha256 of the pictures alone; it stays the same when a class or a file is renamed."""
        digests = "\n".join(picture.digest for picture in self.pictures)
        return hashlib.sha256(digests.encode()).hexdigest()

    def class_of(self, row: int) -> str:
        """Return the name of a picture's class, "" if it has none."""
        label = self.labels[row]
        return "" if label == NO_CLASS else self.class_names[label]

    def found(self, words: str) -> tuple[int, ...]:
        """Return the rows whose class or file name contains ``words`` in any case; none if blank."""
        wanted = words.strip().casefold()
        if not wanted:
            return ()
        return tuple(
            row
            for row, picture in enumerate(self.pictures)
            if wanted in picture.name.casefold() or wanted in self.class_of(row).casefold()
        )


def collection(
    title: str,
    classes: Mapping[str, Sequence[StoredPicture]],
    queries: Sequence[StoredPicture],
    credit: str = "",
    problems: tuple[Problem, ...] = (),
    left_out: int = 0,
) -> Collection:
    """Collect the pictures of classes, then pictures without a class; see :class:`Collection`."""
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


def of_workspace(workspace: Workspace) -> Collection:
    """Collect the classes and the queries of the Classify page."""
    # Two cards may bear the same name for a while; on a map they are one class then.
    classes: dict[str, list[StoredPicture]] = {}
    for card in workspace.classes:
        if card.pictures:
            classes.setdefault(card.name, []).extend(card.pictures)
    return collection("Your pictures on the Classify page", classes, workspace.queries)
