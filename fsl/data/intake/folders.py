"""Find the images in a folder, and in a folder or zip named by one path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError
from fsl.data.intake.listing import MAX_FILE_BYTES, FoundFile, Listing, make_listing
from fsl.data.intake.paths import folder_name_text, is_ignored_folder
from fsl.data.intake.zip_gate import too_large
from fsl.data.intake.zips import list_zip


@dataclass(frozen=True)
class FileReader:
    """Reads one file of the disk when it is called.

    Attributes:
        path: the file.
        shown: its name in messages.
    """

    path: Path
    shown: str

    def __call__(self) -> bytes:
        """Return the bytes of the file; see :func:`read_file`."""
        return read_file(self.path, self.shown)


def list_images(path: Path, part: str | None = None) -> Listing:
    """List the images in a folder or zip; see :func:`list_folder` and :func:`list_zip`.

    Raises:
        DataError: there is nothing at ``path``, or it is neither.
    """
    if path.is_dir():
        return list_folder(path, part)
    return list_zip(path, part=part)


def list_folder(path: Path, part: str | None = None) -> Listing:
    """List the images below a folder; links to folders, and links that lead out of it, are not followed.

    Args:
        path: the folder; :func:`fsl.data.intake.layout.class_of_paths` says what the classes are.
        part: one part of a data set that is split; None for everything.

    Raises:
        DataError: there is no such folder, or no such part in it.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder.")
    return make_listing(_walk(path), part)


def read_file(path: Path, shown: str) -> bytes:
    """Return the bytes of a plain file that is no larger than an image may be.

    Args:
        path: the file.
        shown: its name in messages.

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


def _walk(root: Path) -> Iterable[FoundFile]:
    home = root.resolve()
    closed: list[OSError] = []
    for folder, subfolders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        subfolders[:] = [name for name in subfolders if not is_ignored_folder(name)]
        for name in files:
            yield _file(root, home, here / name)
        for name in subfolders:
            shown = _relative(root, here / name)
            if (here / name).is_symlink():
                yield FoundFile(shown, _nothing, "is a link to a folder, which is not followed")
            else:
                yield FoundFile(f"{shown}/", _nothing)
    for error in closed:
        reason = f"is a folder that cannot be opened ({(error.strerror or 'unknown reason').lower()})"
        yield FoundFile(_relative(root, Path(error.filename)), _nothing, reason)


def _file(root: Path, home: Path, path: Path) -> FoundFile:
    shown = _relative(root, path)
    objection = None
    if path.is_symlink() and not path.resolve().is_relative_to(home):
        objection = "is a link that leads out of the folder"
    elif not path.is_file():
        objection = "is not a plain file"
    return FoundFile(shown, FileReader(path, shown), objection)


def _relative(root: Path, path: Path) -> str:
    return folder_name_text(path.relative_to(root).as_posix())


def _nothing() -> bytes:
    return b""
