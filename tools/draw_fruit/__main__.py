"""Write the sheets of drawn fruit that ship with the package.

python -m tools.draw_fruit [--out FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from fsl.base.types import PixelArray
from fsl.data.drawn_fruit import COLUMNS, FRUIT_CLASSES, PER_CLASS, SHEETS, SIDE, sheet_name
from tools.draw_fruit.render import render_examples

_SEED = 0
_STEP = 3


def rounded(pixels: PixelArray) -> PixelArray:
    """Return the pixels rounded to multiples of 3, which makes the files smaller by a quarter.

    No channel changes by more than one level of 255, and white stays white.
    """
    return (np.rint(pixels / _STEP) * _STEP).astype(np.uint8)


def sheet(class_name: str) -> Image.Image:
    """Return the pictures of a class side by side, as its file holds them."""
    (pictures,) = render_examples((class_name,), PER_CLASS, SIDE, _SEED).values()
    pixels = rounded(np.stack([np.asarray(picture) for picture in pictures]))
    rows = pixels.reshape(-1, COLUMNS, SIDE, SIDE, 3)
    return Image.fromarray(np.concatenate(np.concatenate(rows, axis=1), axis=1))


def main() -> None:
    """Draw every class and write its sheet as a lossless WebP file."""
    parser = argparse.ArgumentParser(
        description="Write the sheets of drawn fruit that ship with the package."
    )
    parser.add_argument("--out", type=Path, default=Path(str(SHEETS)), help="folder of the sheets")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for name in tqdm(FRUIT_CLASSES):
        sheet(name).save(folder / sheet_name(name), lossless=True, quality=100, method=6)
    size = sum((folder / sheet_name(name)).stat().st_size for name in FRUIT_CLASSES)
    print(f"{folder}: {len(FRUIT_CLASSES)} sheets, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
