"""Which class an image belongs to, told from its path alone.

Three layouts are understood: a folder per class (with or without one folder round them all), folders in
folders (Omniglot's ``<Alphabet>/characterNN``) and Fruits-360's ``Training/<class>``, ``Test/<class>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fsl.base.errors import DataError
from fsl.base.text import listed

FRUITS_PARTS = ("Training", "Test")
"""The parts of the Fruits-360 layout; both hold the same classes and are merged unless one is asked for."""


Folders = dict[str, tuple[str, ...]]
"""From an image's path to the folders it lies in, outermost first."""


def natural_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """A sort key that puts "s2" before "s10" and does not mind upper and lower case."""
    pieces = re.split(r"([0-9]+)", text)
    # The text itself settles what is equal otherwise ("1" and "01", "a" and "A").
    return tuple(_rank(piece) for piece in pieces if piece), text


def _rank(piece: str) -> tuple[int, int, str]:
    """Numbers before words. A number is ranked by its digits, as ``int`` refuses very long ones."""
    if piece[0] in "0123456789":
        digits = piece.lstrip("0")
        return 0, len(digits), digits
    return 1, 0, piece.casefold()


def class_of_paths(paths: Iterable[str], part: str | None = None) -> dict[str, str | None]:
    """Each image's class.

    The class is the folder the image lies in, as a path from the root. One folder that holds everything is
    left out of it, but only if there are class folders below: ``apple/1.jpg`` alone makes the class "apple".
    In the Fruits-360 layout (also inside one such folder) ``Training/`` and ``Test/`` are left out too.

    Args:
        paths: distinct relative paths with ``/`` between the parts.
        part: "Training" or "Test" (in any case) to take one part of the Fruits-360 layout.

    Returns:
        From path to class name; None for an image in no class folder. In the Fruits-360 layout images outside
        the wanted part, and outside both parts, are not in it.

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
    """The parts present in a Fruits-360 layout, where all images of a part lie in class folders; or None."""
    inside = [parents for parents in folders.values() if parents and parents[0] in FRUITS_PARTS]
    if not inside or any(len(parents) < 2 for parents in inside):
        return None
    return {parents[0] for parents in inside}


def _without_common_top(folders: Folders) -> Folders:
    """Drops the one folder everything lies in, unless that is itself the class."""
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
