"""Convert an image of any Pillow mode to 8-bit RGB on white, one band of rows at a time.

In bands, a large picture needs little more memory than Pillow's own copy: a 100-megapixel 1-bit scan is
never held as RGB in full. ``fsl.data.images.profiles`` converts what is not sRGB, after it was shrunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

_WIDE_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_BAND_PIXELS = 2_000_000
_WHITE = (255, 255, 255)
_MOST_FEW_BITS = 14


@dataclass(frozen=True)
class GreyRange:
    """Grey values of a wide (16-bit, 32-bit or float) image that mean black and white."""

    black: float
    white: float


def is_wide(image: Image.Image) -> bool:
    """Return whether the image has one channel of more than 8 bits (modes ``I;16*``, ``I`` and ``F``)."""
    return image.mode in _WIDE_MODES


def grey_range(image: Image.Image, stated_white: float = 0.0, *, is_inverted: bool = False) -> GreyRange:
    """Return the range of a wide image (see :func:`is_wide`) that is scaled to 0..255.

    Microscopes and depth cameras store 9 to 14 bits in 16. So the range is the smallest one that holds the
    finite values: 0 to 255, to 511 and so on to 16383 (14 bits), or to 65535; floats may also use 0 to 1. Any
    other values use their own range.

    Args:
        image: loaded.
        stated_white: what the file states as white, used if no value is above it; 0 if it states nothing.
        is_inverted: whether 0 is white.
    """
    low, high = _finite_extrema(image)
    fits = stated_white > 0 and 0.0 <= low <= high <= stated_white
    white = stated_white if fits else _usual_white(low, high, image.mode == "F")
    if white is not None and 255.0 < white < 65535.0 and not fits and _is_spread(image):
        white = 65535.0
    found = GreyRange(low, high) if white is None else GreyRange(0.0, white)
    return GreyRange(found.white, found.black) if is_inverted else found


def _is_spread(image: Image.Image) -> bool:
    """Return whether the values are 8 bits that are repeated to make 16: a dark picture, not few bits."""
    return image.mode != "F" and all(not (np.asarray(band) % 257).any() for band in _bands(image, step=1))


def few_bits_white(high: float) -> float:
    """Return the white of the fewest bits, 8 to 14, that hold a value of 16 bits; 65535 if it takes more."""
    bits = max(8, int(high).bit_length())
    return 2.0**bits - 1 if bits <= _MOST_FEW_BITS else 65535.0


def _usual_white(low: float, high: float, is_float: bool) -> float | None:
    if low < 0.0 or high > 65535.0:
        return None
    return 1.0 if is_float and high <= 1.0 else few_bits_white(math.ceil(high))


def shrink_to_rgb(
    image: Image.Image, max_side: int, grey: GreyRange | None = None, keep_inks: bool = False
) -> Image.Image:
    """Return an RGB image on white whose longest side has at most ``max_side`` pixels.

    Args:
        image: a loaded image of any Pillow mode.
        max_side: pixels, at least 1; proportions are kept, and a smaller image is not enlarged.
        grey: the values of a wide image that mean black and white; by default :func:`grey_range`.
        keep_inks: keep CMYK as it is, for its profile.

    Raises:
        ValueError: Pillow cannot convert the mode.
    """
    if grey is None and is_wide(image):
        grey = grey_range(image)
    # Averaging whole blocks is fast; what is left, at least twice the target size, gets the better filter.
    step = max(1, max(image.size) // (2 * max_side))
    small = image.reduce(step) if keep_inks else _reduced(image, step, grey)
    shrink = max_side / max(image.size)
    if shrink >= 1.0:
        return small
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    # The last block may be a partial one; the box says where the picture really ends.
    box = (0.0, 0.0, image.width / step, image.height / step)
    return small.resize(size, Image.Resampling.BICUBIC, box=box)


def _reduced(image: Image.Image, step: int, grey: GreyRange | None) -> Image.Image:
    """Return RGB on white with blocks of ``step`` x ``step`` pixels averaged; possibly the image itself."""
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
    """Yield the image in bands of a multiple of ``step`` rows; a small image is one band."""
    if image.width * image.height <= _BAND_PIXELS:
        yield image
        return
    rows = max(1, _BAND_PIXELS // (image.width * step)) * step
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _finite_extrema(image: Image.Image) -> tuple[float, float]:
    """Return the smallest and largest finite value; (0, 0) if there is none."""
    low, high = np.inf, -np.inf
    for band in _bands(image, step=1):
        values = np.asarray(band)
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _flatten(image: Image.Image, grey: GreyRange | None) -> Image.Image:
    """Return one band as RGB on white."""
    if grey is not None:
        return _flatten_wide(image, grey)
    if image.mode in _ALPHA_MODES or image.has_transparency_data:
        # Pillow converts La to RGBA only by way of LA.
        straight = image.convert("LA") if image.mode == "La" else image
        rgba = straight.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (*_WHITE, 255)), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _flatten_wide(image: Image.Image, grey: GreyRange) -> Image.Image:
    """Return a band of one wide channel as RGB, scaled to 0..255; not-a-number becomes black."""
    values = np.asarray(image).astype(np.float64)
    span = grey.white - grey.black
    # A constant image outside the common ranges has no contrast to show: mid grey.
    scaled = (values - grey.black) * (255.0 / span) if span else np.full_like(values, 128.0)
    scaled = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0.0, 255.0)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        scaled[values == transparent] = 255.0
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")
