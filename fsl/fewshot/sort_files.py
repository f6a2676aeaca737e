"""Sort files into a folder per class: hard links where possible, else copies. Originals stay as they are."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError, WriteError
from fsl.data.intake.folders import FileReader
from fsl.fewshot.sort import SUMMARY, UNKNOWN, SortPlan, summary_text

_ABOUT_LINKS = (
    "The pictures are hard links: second names of the original files, which take no more room on the disk. "
    "To change one, copy it first, because the original would change with it."
)


@dataclass
class Placed:
    """What was made while sorting.

    Attributes:
        linked: number of hard links.
        copied: number of copies.
        folders: folders made.
        files: files made.
    """

    linked: int = 0
    copied: int = 0
    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def check_destination(folder: Path) -> None:
    """Check that a folder can take the sorted pictures; an existing one must be empty.

    Raises:
        DataError: it is a file or not empty, its parent does not exist, or this user may not write there.
    """
    if folder.is_dir():
        if any(folder.iterdir()):
            raise DataError(f"{folder} is not empty, and nothing is overwritten. Name a new folder.")
        writable = folder
    elif folder.exists() or folder.is_symlink():
        raise DataError(f"{folder} is there already and is no folder. Name a new folder.")
    elif not folder.parent.is_dir():
        raise DataError(f"There is no folder {folder.parent} to make {folder.name} in. Make it first.")
    else:
        writable = folder.parent
    if not os.access(writable, os.W_OK | os.X_OK):
        raise DataError(f"{writable} may not be written to. Name another folder.")


def sort_into(folder: Path, plan: SortPlan, sources: Sequence[Callable[[], bytes]]) -> Placed:
    """Put pictures into a folder per class and one for unknown, beside a plain-text summary.

    If that fails, everything made so far is removed again.

    Args:
        folder: a new folder, or an empty one.
        sources: for each picture a function that returns its bytes; a ``FileReader`` gives a hard link.

    Raises:
        DataError: see ``check_destination``; or an original can no longer be read.
        WriteError: the disk is full, or something else stands in the way.
    """
    check_destination(folder)
    placed = Placed()
    try:
        if not folder.exists():
            _make(folder, placed)
        for name in (*plan.folders, UNKNOWN):
            _make(folder / name, placed)
        for place, source in zip(plan.places, sources, strict=True):
            _place(source, folder.joinpath(*place), placed)
        about = f"\n{_ABOUT_LINKS}\n" if placed.linked else ""
        _write(folder / SUMMARY, (summary_text(plan) + about).encode(errors="backslashreplace"), placed)
    except BaseException as error:
        _remove(placed)
        if isinstance(error, ImageReadError):
            raise DataError(f"{error}. Nothing was sorted; try again.") from error
        if isinstance(error, OSError):
            raise WriteError(folder, error) from error
        raise
    return placed


def _make(folder: Path, placed: Placed) -> None:
    folder.mkdir()
    placed.folders.append(folder)


def _place(source: Callable[[], bytes], target: Path, placed: Placed) -> None:
    if not isinstance(source, FileReader):
        _write(target, source(), placed)
        placed.copied += 1
        return
    original = Path(source.path).resolve()
    try:
        os.link(original, target)
    except OSError:  # another disk, or a system without hard links
        _write(target, source(), placed)
        shutil.copystat(original, target)
        placed.copied += 1
    else:
        placed.files.append(target)
        placed.linked += 1


def _write(target: Path, data: bytes, placed: Placed) -> None:
    with target.open("xb") as file:
        placed.files.append(target)
        file.write(data)


def _remove(placed: Placed) -> None:
    for file in placed.files:
        with contextlib.suppress(OSError):
            file.unlink()
    for folder in reversed(placed.folders):
        with contextlib.suppress(OSError):  # somebody else may have put something into it
            folder.rmdir()
