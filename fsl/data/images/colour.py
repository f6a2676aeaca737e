"""Any Pillow mode to plain 8-bit RGB on white, a band of rows at a time.

Working in bands keeps a large picture's memory at what Pillow decoded plus a little: a 100-megapixel 1-bit
scan or a 16-bit map is never held as RGB in full. Colour profiles (ICC) are not applied: pixel values are
taken as sRGB, which is what they nearly always are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

_WIDE_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_BAND_PIXELS = 4_000_000
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class GreyRange:
    """The grey values of a wide (16-bit, 32-bit or float) image that stand for black and for white."""

    black: float
    white: float


def is_wide(image: Image.Image) -> bool:
    """Whether the image has one channel of more than 8 bits (modes ``I;16*``, ``I`` and ``F``)."""
    return image.mode in _WIDE_MODES


def grey_range(image: Image.Image) -> GreyRange:
    """The range over which a wide image (see :func:`is_wide`) is scaled to 0..255.

    16-bit modes have their full range, 0..65535. A 32-bit integer or float image states none, so it is the
    smallest usual range that holds its finite values: 0..1 (floats only), 0..255, 0..65535, else from its
    least to its greatest.
    """
    if image.mode.startswith("I;16"):
        return GreyRange(0.0, 65535.0)
    low, high = _finite_extrema(image)
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    if low >= 0.0:
        for white in usual:
            if high <= white:
                return GreyRange(0.0, white)
    return GreyRange(low, high)


def shrink_to_rgb(image: Image.Image, max_side: int, grey: GreyRange | None = None) -> Image.Image:
    """An RGB image on white whose longest side is at most ``max_side`` pixels; proportions are kept.

    Args:
        image: a loaded image of any Pillow mode.
        max_side: pixels, at least 1; a smaller image is not enlarged.
        grey: which values of a wide image are black and white; by default :func:`grey_range`.

    Raises:
        ValueError: Pillow cannot convert the mode.
    """
    if grey is None and is_wide(image):
        grey = grey_range(image)
    # Averaging whole blocks first leaves at least twice the wanted size for the better filter.
    step = max(1, max(image.size) // (2 * max_side))
    small = _reduced(image, step, grey)
    shrink = max_side / max(image.size)
    if shrink >= 1.0:
        return small
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    # The last block may be a partial one; the box says where the picture really ends.
    box = (0.0, 0.0, image.width / step, image.height / step)
    return small.resize(size, Image.Resampling.BICUBIC, box=box)


def _reduced(image: Image.Image, step: int, grey: GreyRange | None) -> Image.Image:
    """As RGB on white, blocks of ``step`` x ``step`` pixels averaged; perhaps the very image."""
    if step == 1 and image.width * image.height <= _BAND_PIXELS:
        return _flatten(image, grey)
    small = Image.new("RGB", (-(-image.width // step), -(-image.height // step)), _WHITE)
    top = 0
    for band in _bands(image, step):
        flat = _flatten(band, grey)
        part = flat.reduce(step) if step > 1 else flat
        small.paste(part, (0, top))
        top += part.height
    return small


def _bands(image: Image.Image, step: int) -> Iterator[Image.Image]:
    """The image in horizontal bands of a multiple of ``step`` rows; as it is when small."""
    if image.width * image.height <= _BAND_PIXELS:
        yield image
        return
    rows = max(1, _BAND_PIXELS // (image.width * step)) * step
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _finite_extrema(image: Image.Image) -> tuple[float, float]:
    """Least and greatest finite value; (0, 0) when there is none."""
    low, high = np.inf, -np.inf
    for band in _bands(image, step=1):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _flatten(image: Image.Image, grey: GreyRange | None) -> Image.Image:
    """One band as RGB on white."""
    if grey is not None:
        return _flatten_wide(image, grey)
    if image.mode in _ALPHA_MODES or image.has_transparency_data:
        # Pillow knows no way from La to RGBA but through LA.
        straight = image.convert("LA") if image.mode == "La" else image
        rgba = straight.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (*_WHITE, 255)), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _flatten_wide(image: Image.Image, grey: GreyRange) -> Image.Image:
    """A band of one wide channel as RGB, scaled (not clipped) to 0..255; not-a-number is black."""
    values = np.asarray(image).astype(np.float64)
    span = grey.white - grey.black
    # Values that are all the same and fit no usual range have no contrast to show: mid grey.
    scaled = (values - grey.black) * (255.0 / span) if span else np.full_like(values, 128.0)
    scaled = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0.0, 255.0)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        scaled[values == transparent] = 255.0
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")
