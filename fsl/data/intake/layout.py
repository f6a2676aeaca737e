"""Tell the class of an image from its path.

Three layouts are understood: a folder per class (inside one outer folder or not), folders in folders
(Omniglot's ``<Alphabet>/characterNN``) and Fruits-360's ``Training/<class>``, ``Test/<class>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fsl.base.errors import DataError
from fsl.base.text import listed

FRUITS_PARTS = ("Training", "Test")
"""The parts of the Fruits-360 layout: both have the same classes and are merged unless one is named."""


Folders = dict[str, tuple[str, ...]]
"""From the path of an image to the folders around it, outermost first."""


def natural_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Return a sort key that puts "s2" before "s10" and ignores case."""
    pieces = re.split(r"([0-9]+)", text)
    # The text itself decides between equals ("1" and "01", "a" and "A").
    return tuple(_rank(piece) for piece in pieces if piece), text


def _rank(piece: str) -> tuple[int, int, str]:
    """Rank numbers before words, and numbers by their digits, because ``int`` refuses very long ones."""
    if piece[0] in "0123456789":
        digits = piece.lstrip("0")
        return 0, len(digits), digits
    return 1, 0, piece.casefold()


def class_of_paths(paths: Iterable[str], part: str | None = None) -> dict[str, str | None]:
    """Return the class of each image.

    A class is the path of the folder that the image lies in. It leaves out an outer folder that holds
    everything, if there are class folders inside: ``apple/1.jpg`` alone makes the class "apple". In the
    Fruits-360 layout, also inside an outer folder, it leaves out ``Training/`` and ``Test/``, too.

    Args:
        paths: distinct relative paths with ``/`` between the parts.
        part: "Training" or "Test", in any case, for one part of the Fruits-360 layout; None for everything.

    Returns:
        From path to class name; None for an image in no class folder. Images outside the part, or outside
        both parts of a Fruits-360 layout, are missing.

    Raises:
        DataError: ``part`` is given and there is no such part.
    """
    folders: Folders = {path: tuple(path.split("/")[:-1]) for path in paths}
    parts_found = _fruits_parts(folders)
    if parts_found is None:
        folders = _without_common_top(folders)
        parts_found = _fruits_parts(folders)
    if part is not None:
        parts_found = {_pick_part(part, parts_found, folders)}
    if parts_found is not None:
        inside = {path: parents for path, parents in folders.items() if parents and parents[0] in parts_found}
        folders = {path: parents[1:] for path, parents in inside.items()}
    return {path: "/".join(parents) or None for path, parents in folders.items()}


def _fruits_parts(folders: Folders) -> set[str] | None:
    """Return the parts of a Fruits-360 layout, in which every image lies in a class folder; else None."""
    inside = [parents for parents in folders.values() if parents and parents[0] in FRUITS_PARTS]
    if not inside or any(len(parents) < 2 for parents in inside):
        return None
    return {parents[0] for parents in inside}


def _without_common_top(folders: Folders) -> Folders:
    """Leave out the folder that holds everything, unless it is itself the class."""
    tops = {parents[:1] for parents in folders.values()}
    deeper = any(len(parents) > 1 for parents in folders.values())
    if len(tops) == 1 and () not in tops and deeper:
        return {path: parents[1:] for path, parents in folders.items()}
    return folders


def _pick_part(wanted: str, found: set[str] | None, folders: Folders) -> str:
    for name in found or ():
        if name.casefold() == wanted.casefold():
            return name
    if found:
        raise DataError(f"There is no part {wanted!r} here; there is {listed(sorted(found))}.")
    tops = sorted({parents[0] for parents in folders.values() if parents}, key=natural_key)
    there = f"the folders are {listed(tops)}" if tops else "there are no folders"
    raise DataError(
        f"There is no part {wanted!r} here: parts are the folders Training and Test of the Fruits-360 "
        f"layout; {there}. Leave the part out to use everything."
    )
