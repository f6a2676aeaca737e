"""The catalogue of sources: every data set that has a name, and how to open any source by text."""

from __future__ import annotations

from pathlib import Path

from fsl.base.errors import DataError
from fsl.data.builtin import builtin_sources
from fsl.data.intake.folders import list_images
from fsl.data.named import how_to_bring, named_sources
from fsl.data.public import public_sources
from fsl.data.source import ArraySource, FileSource, Source, listing_source

__all__ = [
    "ArraySource",
    "FileSource",
    "Source",
    "absolute_key",
    "catalogue",
    "listing_source",
    "open_source",
    "path_source",
]


def catalogue() -> dict[str, Source]:
    """Return the sources that have a name, by name: built-in, on this machine, and public ones."""
    return {**builtin_sources(), **named_sources(), **public_sources()}


def open_source(text: str) -> Source:
    """Open a source by its name, or a folder or zip by its path.

    A name goes before a folder of the same name, so that it means the same in every working folder;
    "./NAME" is the folder.

    Raises:
        DataError: the text is empty, or there is no such data set, folder or zip; the message lists the names
            there are.
    """
    if not text:  # to a Path it means the current folder
        raise DataError("The name of the data is empty. Name a folder, a zip or a data set.")
    known = catalogue()
    if text in known:
        return known[text]
    if Path(text).exists():
        return path_source(Path(text))
    hint = how_to_bring(text)
    if not hint:
        here = sorted(named_sources())
        names = f" Data sets that are here by name: {', '.join(here)}." if here else ""
        hint = f"{text}: there is no such folder, zip or data set.{names}"
    raise DataError(hint)


def path_source(path: Path) -> FileSource:
    """Return the pictures in a folder or zip as a source."""
    return FileSource(
        key=str(path),
        title=path.name or str(path),
        known_as=path.name,
        find=lambda part: list_images(path, part),
        path=path,
    )


def absolute_key(text: str) -> str:
    """Return a text that opens the same source in every working folder: a path becomes absolute."""
    if not text or text in catalogue() or not Path(text).exists():
        return text
    return str(Path(text).absolute())
