"""Colours of 9 to 14 bits stored in 16: Pillow takes only the upper 8 bits, which are nearly black."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops
from PIL.ImageFile import ImageFile

from fsl.data.images.colour import few_bits_white

# The same bytes read in the other order give the lower 8 bits; "N" is little-endian on today's machines.
_LOWER_BITS = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", "RGBX")
    for order, other in (("B", "L"), ("L", "B"), ("N", "B"))
}
# Grey with transparency has the four bytes a pixel of 8-bit RGBA, and can be read as that.
_LOWER_BITS["LA;16B"] = "RGBA"
_MOST_PIXELS = 8_000_000  # a larger picture is left as it is, because this takes four copies of it
_MOST_UPPER = 63  # of 14 bits


def stored_as(image: ImageFile) -> str:
    """Return how the pixels of an opened image are stored, in Pillow's words; "" if they are loaded."""
    args = image.tile[0].args if image.tile else ""
    found = args[0] if isinstance(args, tuple) and args else args
    return found if isinstance(found, str) else ""


def with_16_bits(image: ImageFile) -> ImageFile:
    """Return an opened image; a PPM of 16 bits a colour is going to be read as a PNG is."""
    if image.format == "PPM" and image.mode == "RGB" and image.tile[0].args == ("RGB", 65535):
        image.tile = [image.tile[0]._replace(codec_name="raw", args=("RGB;16B", 0, 1))]
    return image


def has_few_bits(image: ImageFile, stored: str) -> bool:
    """Return whether a loaded image with 16 bits a colour uses at most 14 of them."""
    if stored not in _LOWER_BITS or (image.has_transparency_data and image.mode != "RGBA"):
        return False
    # A channel that uses all bits, transparency as well, shows that the picture is merely dark.
    return image.width * image.height <= _MOST_PIXELS and _highest(image) <= _MOST_UPPER


def scaled_up(upper: ImageFile, again: ImageFile, stored: str) -> Image.Image:
    """Return the picture scaled to the bits that its values use.

    Args:
        upper: the loaded image, of the upper 8 bits of each value.
        again: the same file, opened and not loaded.
        stored: how the pixels are stored, see :func:`stored_as`.
    """
    lower = _lower_bits(again, stored)
    if ImageChops.difference(upper.convert("RGB"), lower.convert("RGB")).getbbox() is None:
        return upper  # a dark picture of 8 bits, spread over 16 by repeating them
    factor = 255.0 / few_bits_white(256 * _highest(upper) + 255)
    large = [min(255, round(256 * value * factor)) for value in range(256)]
    small = [round(value * factor) for value in range(256)]
    colours = ImageChops.add(upper.convert("RGB").point(large * 3), lower.convert("RGB").point(small * 3))
    if upper.mode == "RGBA" and not _is_opaque(upper):
        alpha = ImageChops.add(upper.getchannel("A").point(large), lower.getchannel("A").point(small))
        colours.putalpha(alpha)
    return colours


def _lower_bits(again: ImageFile, stored: str) -> Image.Image:
    """Return the lower 8 bits of each value."""
    other = _LOWER_BITS[stored]
    again.tile = [
        tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
        for tile in again.tile
    ]
    again.load()
    if stored != "LA;16B":
        return again
    _, grey, _, alpha = again.split()
    return Image.merge("RGBA", (grey, grey, grey, alpha))


def _highest(image: Image.Image) -> int:
    """Return the largest value of a channel; transparency counts if there is any."""
    extrema = np.asarray(image.getextrema())
    return int((extrema[:3] if _is_opaque(image) else extrema).max())


def _is_opaque(image: Image.Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255)
