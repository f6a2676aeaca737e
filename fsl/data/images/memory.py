"""How much memory Pillow takes to decode a picture, by its format and mode."""

from __future__ import annotations

from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from fsl.data.images.bounds import WEBP_BYTES_A_PIXEL
from fsl.data.images.structure.jpeg import measure_jpeg

# Pillow holds these modes in one or two bytes a pixel, all others in four.
_BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
# What these readers hold of each pixel at once: the whole canvas, several times.
_BYTES_OF_FORMAT = {"WEBP": WEBP_BYTES_A_PIXEL, "AVIF": 9, "HEIF": 9}
_ROOM_TO_SHRINK = 40 * 2**20
_TILE_WIDTH, _TILE_HEIGHT = 322, 323


def decoded_bytes(image: ImageFile, data: bytes) -> int:
    """Return the memory for decoding and shrinking a picture that is opened but not loaded, in bytes.

    Args:
        image: the picture; a JPEG's draft is taken into account.
    """
    pixels = image.width * image.height
    kind = image.format or ""
    needed = pixels * _BYTES_OF_FORMAT.get(kind, _BYTES_OF_MODE.get(image.mode, 4))
    if kind in ("JPEG", "MPO") and "progression" in image.info:
        needed += measure_jpeg(data).held_bytes
    if isinstance(image, TiffImageFile):
        width, height = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_HEIGHT))
        needed += width * height * len(image.getbands()) * 4
    return needed + (0 if kind in _BYTES_OF_FORMAT else min(_ROOM_TO_SHRINK, 8 * pixels))
