"""Turn dropped files into pictures; files that cannot be read are named with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from fsl.base.errors import ImageReadError
from fsl.base.progress import Progress
from fsl.data.images.pool import decode_pool
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
    readers = [(display_path(name), partial(bytes, data)) for name, data in files]
    for done, found in enumerate(_checked(readers), start=1):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            pictures.append(found)
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
    found = _checked([(entry.name, entry.read) for entry in listing.entries])
    for done, (entry, picture) in enumerate(zip(listing.entries, found, strict=True), start=1):
        if isinstance(picture, Problem):
            intake.problems.append(picture)
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


def _checked(readers: Sequence[tuple[str, Callable[[], bytes]]]) -> Iterator[StoredPicture | Problem]:
    """Yield the picture or the problem of each file, in order; several threads read and decode them."""

    def check(reader: tuple[str, Callable[[], bytes]]) -> StoredPicture | Problem:
        name, read = reader
        try:
            return StoredPicture.from_bytes(read(), name)
        except ImageReadError as error:
            return Problem(error.name, error.reason)

    with decode_pool() as pool:
        yield from pool.map(check, readers)
