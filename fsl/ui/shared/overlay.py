"""Draw a map of contributions over a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor

from fsl.base.types import Float32Array, PixelArray
from fsl.charts.style import ACCENT, AGAINST
from fsl.ui.shared.pictures import data_uri

_FOR = np.array(ImageColor.getrgb(ACCENT), np.float32)
_AGAINST = np.array(ImageColor.getrgb(AGAINST), np.float32)
_SIDE = 320
_STRONGEST = 0.75  # opacity of the strongest colour; the picture stays visible


def overlay_uri(pixels: PixelArray, contributions: Float32Array, strongest: float) -> str:
    """Return the picture in grey with the map in two colours over it, as a ``data:`` URI.

    Args:
        pixels: uint8 ``(S, S, 3)``.
        contributions: float32 ``(S, S)``, positive for, negative against.
        strongest: the contribution drawn in full colour, shared by both pictures of a pair.
    """
    grey = np.repeat(pixels.astype(np.float32).mean(2, keepdims=True), 3, axis=2)
    share = np.clip(np.abs(contributions) / max(strongest, 1e-9), 0, 1)[..., None] * _STRONGEST
    colour = np.where(contributions[..., None] > 0, _FOR, _AGAINST)
    mixed = (grey * (1 - share) + colour * share).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(mixed).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return data_uri(image, "PNG")
