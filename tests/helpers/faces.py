"""Drawn stand-ins for faces, for tests that need no photo of a person."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fsl.base.types import PixelArray


def drawn_face(seed: int) -> PixelArray:
    """Return a face of coloured ellipses, uint8 ``(150, 150, 3)``, with eyes, nose and mouth in place."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:150, :150]
    image = np.full((150, 150, 3), rng.integers(60, 200, 3), float)

    def ellipse(cx: float, cy: float, rx: float, ry: float, colour: object) -> None:
        image[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = colour

    ellipse(75, 75, 55, 70, rng.integers(120, 230, 3))
    for eye in (43, 99):
        ellipse(eye, 42, 10, 6, (250, 250, 250))
        ellipse(eye, 42, 5, 5, rng.integers(20, 90, 3))
    ellipse(71, 70, 7, 14, rng.integers(100, 200, 3))
    ellipse(72, 104, 26, 8, rng.integers(90, 180, 3))
    ellipse(75, 8, 60, 22, rng.integers(10, 120, 3))
    return image.astype(np.uint8)


def photo_of(*seeds: int, wide: int = 300) -> Image.Image:
    """Return a photo of drawn faces side by side, ``wide`` pixels each.

    The detector takes the faces of the seeds 5, 7 and 8 for real ones.
    """
    photo = Image.new("RGB", (wide * len(seeds), 300), (120, 130, 140))
    for number, seed in enumerate(seeds):
        photo.paste(Image.fromarray(drawn_face(seed)), (wide * number + (wide - 150) // 2, 75))
    return photo
