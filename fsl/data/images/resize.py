"""Turn a picture of any shape into the square array that a network takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import numpy as np
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.base.types import PixelArray
from fsl.config import Fit

_WHITE = (255, 255, 255)
# Pillow may average whole blocks first, down to this multiple of the target size. That is much faster on
# large pictures, and from 3 on the result equals the full filter's.
_REDUCING_GAP = 3.0


# Ways to make a picture square that need a network, added by ``fsl.twin``.
_ADDED_FITS: dict[str, Callable[[Image.Image, int], Image.Image]] = {}


def add_fit(name: Fit, make_square: Callable[[Image.Image, int], Image.Image]) -> None:
    """Make a way of squaring pictures available under its name.

    Args:
        name: the fit that checkpoints and queries ask for.
        make_square: takes an RGB picture and a size in pixels, and returns a square RGB picture of that size.
    """
    _ADDED_FITS[name] = make_square


def to_square(image: Image.Image, size: int, fit: Fit) -> PixelArray:
    """Return the picture as a ``(size, size, 3)`` uint8 array, 0..255; see ``square_image``."""
    return np.array(square_image(image, size, fit), dtype=np.uint8)


def square_image(image: Image.Image, size: int, fit: Fit) -> Image.Image:
    """Return the picture as a square RGB picture, antialiased.

    Args:
        image: any picture; Pillow converts one that is not RGB (``decode_image`` does that better).
        size: side in pixels, at least 1.
        fit: how a picture that is not square becomes one, see ``Fit``.

    Raises:
        SettingsError: ``size`` is below 1 or ``fit`` unknown.
        NoFaceError: the fit is "face", and there is none in the picture.
    """
    if size < 1:
        raise SettingsError(f"The image size must be at least 1 pixel, not {size}.")
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if fit == "crop":
        return _resize(rgb.crop(_centre_square(rgb)), (size, size))
    if fit == "pad":
        return _padded(rgb, size)
    if fit == "stretch":
        return _resize(rgb, (size, size))
    if fit in _ADDED_FITS:
        return _ADDED_FITS[fit](rgb, size)
    raise SettingsError(f"The fit must be one of {', '.join(get_args(Fit))}, not {fit!r}.")


def crop_centre(image: Image.Image, share: float) -> Image.Image:
    """Return the centre of an image.

    Args:
        image: any image.
        share: share of its sides that is kept, 0.1 to 1.

    Raises:
        SettingsError: the share is out of range.
    """
    if not 0.1 <= share <= 1:
        raise SettingsError(f"centre is {share}; it must be 0.1 to 1.")
    if share == 1:
        return image
    width, height = (max(1, round(share * side)) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _centre_square(image: Image.Image) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the centre square, in whole pixels."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return left, top, left + side, top + side


def _padded(image: Image.Image, size: int) -> Image.Image:
    scale = size / max(image.size)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new("RGB", (size, size), _WHITE)
    canvas.paste(_resize(image, inner), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return canvas


def _resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
