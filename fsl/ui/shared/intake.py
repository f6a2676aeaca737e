"""Turn dropped files into pictures; files that cannot be read are named with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fsl.base.errors import ImageReadError
from fsl.base.progress import Progress
from fsl.data.intake.listing import Listing, Problem
from fsl.data.intake.paths import display_path
from fsl.ui.shared.pictures import StoredPicture

QUERY_FOLDERS = frozenset({"query", "queries", "to classify", "unlabelled"})
"""Names of folders that hold queries instead of a class, in lower case."""


@dataclass
class Intake:
    """The pictures of a drop.

    Attributes:
        classes: pictures by class name, in the order of the listing.
        queries: pictures in a query folder or in no folder.
        problems: files that could not be used.
        notes: sentences about how the folders and names were understood.
    """

    classes: dict[str, list[StoredPicture]] = field(default_factory=dict)
    queries: list[StoredPicture] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def take_files(
    files: Sequence[tuple[str, bytes]], progress: Progress | None = None
) -> tuple[list[StoredPicture], list[Problem]]:
    """Check dropped files one by one.

    Args:
        files: name and bytes of each file.
        progress: called with (files done, total).

    Returns:
        the pictures, and the files that could not be read.
    """
    pictures: list[StoredPicture] = []
    problems: list[Problem] = []
    for done, (name, data) in enumerate(files, start=1):
        try:
            pictures.append(StoredPicture.from_bytes(data, display_path(name)))
        except ImageReadError as error:
            problems.append(Problem(error.name, error.reason))
        if progress is not None:
            progress(done, len(files))
    return pictures, problems


def take_listing(listing: Listing, progress: Progress | None = None) -> Intake:
    """Check all files of a folder or a zip; ``QUERY_FOLDERS`` become queries.

    Args:
        listing: the files.
        progress: called with (files done, total).
    """
    intake = Intake(problems=list(listing.problems), notes=listing.notes)
    for done, entry in enumerate(listing.entries, start=1):
        try:
            picture = StoredPicture.from_bytes(entry.read(), entry.name)
        except ImageReadError as error:
            intake.problems.append(Problem(error.name, error.reason))
        else:
            short = StoredPicture(
                PurePosixPath(entry.name).name, picture.data, picture.digest, picture.thumbnail
            )
            if entry.class_name is None or entry.class_name.casefold() in QUERY_FOLDERS:
                intake.queries.append(short)
            else:
                intake.classes.setdefault(entry.class_name, []).append(short)
        if progress is not None:
            progress(done, len(listing.entries))
    return intake
