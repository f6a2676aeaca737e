"""Find the images in a folder, and in a folder or zip named by one path."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError
from fsl.data.intake.listing import MAX_FILE_BYTES, FoundFile, Listing, make_listing
from fsl.data.intake.paths import HEAD_BYTES, display_path, folder_name_text, is_ignored_folder
from fsl.data.intake.zip_gate import too_large
from fsl.data.intake.zips import list_zip


@dataclass(frozen=True, slots=True)  # a folder may have millions of files
class FileReader:
    """Reads one file of the disk when it is called.

    Attributes:
        path: the file; text, as a ``Path`` takes five times the memory.
        shown: its name in messages.
    """

    path: str
    shown: str

    def __call__(self) -> bytes:
        """Return the bytes of the file; see :func:`read_file`."""
        return read_file(Path(self.path), self.shown)

    def version(self) -> tuple[int, int]:
        """Return the modification time and the size; see :func:`file_version`."""
        return file_version(Path(self.path))


_MOST_VISITS = 20
"""How often links may lead to one folder: folders of links to one another would go on for ever."""


def list_images(path: Path, part: str = "") -> Listing:
    """List the images in a folder or zip; see :func:`list_folder` and :func:`list_zip`.

    Raises:
        DataError: there is nothing at ``path``, or it is neither.
    """
    if path.is_dir():
        return list_folder(path, part)
    return list_zip(path, part=part)


def list_folder(path: Path, part: str = "") -> Listing:
    """List the images below a folder. Links are followed, but for those that lead round in a circle.

    Args:
        path: the folder; :func:`fsl.data.intake.layout.layout_of_paths` says what the classes are.
        part: one part of a data set that is split; "" for everything.

    Raises:
        DataError: there is no such folder, or no such part in it.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder.")
    return make_listing(_walk(path), part)


def read_file(path: Path, shown: str) -> bytes:
    """Return the bytes of a plain file that is no larger than an image may be; messages call it ``shown``.

    Raises:
        ImageReadError: it cannot be read, is not a plain file or is too large.
    """
    try:
        if path.exists() and not path.is_file():
            raise ImageReadError(shown, "this is not a plain file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise ImageReadError(shown, too_large(size))
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise ImageReadError(shown, f"the file cannot be opened ({reason.lower()})") from error


def file_version(file: Path) -> tuple[int, int]:
    """Return the modification time in nanoseconds and the size; zeros for a broken link."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def walk_following(
    root: Path, on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str], list[str], list[str]]]:
    """Walk a folder as ``os.walk`` does, and follow symbolic links to folders.

    Args:
        on_error: called for a folder that cannot be opened.

    Yields:
        the folder; the names of the folders in it, from which the caller may take some out; of its files; and
        of its links that lead back to a folder around them, or to one that was read very often already.
    """
    visits: dict[tuple[int, int], int] = {}
    around: dict[str, frozenset[tuple[int, int]]] = {}
    for folder, subfolders, files in os.walk(root, onerror=on_error, followlinks=True):
        here = Path(folder)
        above = around.pop(folder, frozenset()) | {_identity(here)}
        circles = []
        for name in subfolders:
            there = _identity(here / name)
            visits[there] = visits.get(there, 0) + 1
            if there in above or visits[there] > _MOST_VISITS:
                circles.append(name)
        subfolders[:] = [name for name in subfolders if name not in circles]
        yield here, subfolders, files, circles
        around |= {os.path.join(folder, name): above for name in subfolders}  # noqa: PTH118 - as os.walk


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _walk(root: Path) -> Iterable[FoundFile]:
    closed: list[OSError] = []
    for here, subfolders, files, circles in walk_following(root, closed.append):
        subfolders[:] = [name for name in subfolders if not is_ignored_folder(name)]
        for name in files:
            yield _file(root, here / name)
        for name in subfolders:
            yield FoundFile(f"{_relative(root, here / name)}/", _nothing)
        for name in circles:
            reason = "is a link to a folder that was read already, which leads round in a circle"
            yield FoundFile(_relative(root, here / name), _nothing, reason)
    for error in closed:
        reason = f"is a folder that cannot be opened ({(error.strerror or 'unknown reason').lower()})"
        yield FoundFile(_relative(root, Path(error.filename)), _nothing, reason)


def _file(root: Path, path: Path) -> FoundFile:
    shown = _relative(root, path)
    objection = None
    if not path.is_file():
        objection = "is a link to nothing" if path.is_symlink() else "is not a plain file"
    return FoundFile(shown, FileReader(str(path), display_path(shown)), objection, partial(_head, path))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _relative(root: Path, path: Path) -> str:
    return folder_name_text(path.relative_to(root).as_posix())


def _nothing() -> bytes:
    return b""
