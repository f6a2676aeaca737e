"""The class names beside the pictures in a zip that the program wrote, because a folder cannot have any name.

A class may be called ``a/b``, ``..`` or ``__MACOSX``. Its pictures lie in a folder with a safe name, and a
small file beside the folders says which class each of them is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from fsl.base.errors import ImageReadError
from fsl.data.intake.paths import LONGEST_NAME, display_path, display_text

NAMES_FILE = "few-shot-lab-classes.json"
_KEY, _VERSION = "few_shot_lab_classes", 1
_MOST_BYTES = 4 * 2**20


def names_file(class_of_folder: Mapping[str, str]) -> bytes:
    """Return the content of the file ``NAMES_FILE``, to be written beside these folders."""
    content = {_KEY: _VERSION, "folders": dict(class_of_folder)}
    return json.dumps(content, indent=1).encode()


def is_names_file(path: str) -> bool:
    """Return whether a file is called ``NAMES_FILE``."""
    return path.rpartition("/")[2] == NAMES_FILE


def class_of_written(
    files: Sequence[tuple[str, Callable[[], bytes]]], images: Iterable[str]
) -> dict[str, str | None] | None:
    """Return the classes of images as the program wrote them beside; None if it did not write the data.

    Args:
        files: stored path and reader of those that :func:`is_names_file`; there should be one.
        images: paths of all images, as shown.

    Returns:
        from path to class. A folder beside the file that it does not name, as one that the user added, is a
        class of its own name; None for an image elsewhere.
    """
    found = _read(files[0][1]) if len(files) == 1 else None
    if found is None:
        return None
    place = display_path(files[0][0]).rpartition("/")[0]
    above = f"{place}/" if place else ""

    def class_of(image: str) -> str | None:
        if not image.startswith(above):
            return None
        folder = image.removeprefix(above).rpartition("/")[0]
        is_beside = folder != "" and "/" not in folder
        return found.get(folder, folder if is_beside else None)

    return {path: class_of(path) for path in images}


def _read(read: Callable[[], bytes]) -> dict[str, str] | None:
    try:
        data = read()
        content = json.loads(data) if len(data) <= _MOST_BYTES else None
    except (ImageReadError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get(_KEY) != _VERSION:
        return None
    folders = content.get("folders")
    if not isinstance(folders, dict) or not all(map(_is_name, folders.values())):
        return None
    return {folder: display_text(name) for folder, name in folders.items()}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME
