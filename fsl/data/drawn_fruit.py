"""The drawn fruit that ships with the package: one sheet of pictures for each class.

``python -m tools.draw_fruit`` drew the sheets.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
from PIL import Image

from fsl.base.types import PixelArray

FRUIT_CLASSES: tuple[str, ...] = (
    "strawberry",
    "banana",
    "kiwi slice",
    "grapes",
    "pineapple",
    "red apple",
    "pear",
    "orange",
    "aubergine",
    "avocado half",
    "watermelon",
    "pumpkin",
    "lemon",
    "tomato",
    "star-fruit slice",
    "chilli",
    "yellow pepper",
    "coconut half",
    "green apple",
    "peach",
    "plum",
    "raspberry",
    "melon",
    "orange half",
)
"""The classes of drawn fruit; the first few differ most."""

PER_CLASS = 20
"""Pictures of each class."""

SIDE = 96
"""Side of a picture in its sheet, in pixels."""

COLUMNS = 5
"""Pictures side by side in a sheet."""

SHEETS = resources.files("fsl.data") / "assets" / "fruit"
"""The folder of the sheets."""


def sheet_name(class_name: str) -> str:
    """Return the file name of a class's sheet."""
    return class_name.replace(" ", "-") + ".webp"


def fruit_pictures(class_name: str) -> PixelArray:
    """Return all pictures of a class.

    Args:
        class_name: one of ``FRUIT_CLASSES``.

    Returns:
        uint8 ``(PER_CLASS, SIDE, SIDE, 3)``.
    """
    with (SHEETS / sheet_name(class_name)).open("rb") as file, Image.open(file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    cells = pixels.reshape(-1, SIDE, COLUMNS, SIDE, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(cells.reshape(-1, SIDE, SIDE, 3))
