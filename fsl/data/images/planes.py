"""TIFFs with 16 bits a colour whose colours are stored one after the other.

Pillow reads the planes of uncompressed ones wrongly, and of all others the upper 8 bits alone. So each plane
is read as a grey picture of its own, by a table of tags that names this plane alone.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffTags
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    COMPRESSION,
    FILLORDER,
    IMAGELENGTH,
    IMAGEWIDTH,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    PREDICTOR,
    ROWSPERSTRIP,
    SAMPLESPERPIXEL,
    STRIPBYTECOUNTS,
    STRIPOFFSETS,
    TILEBYTECOUNTS,
    TILELENGTH,
    TILEOFFSETS,
    TILEWIDTH,
    TiffImageFile,
)

from fsl.data.images.bounds import PictureRefused
from fsl.data.images.colour import few_bits_white, shrink_to_rgb

UInt16Array = NDArray[np.uint16]
_ROWS_AT_ONCE = 256
_SAME = (IMAGEWIDTH, IMAGELENGTH, COMPRESSION, FILLORDER, PREDICTOR, ROWSPERSTRIP, TILEWIDTH, TILELENGTH)
_OF_GREY = (PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, SAMPLESPERPIXEL)
_OF_PIECES = (STRIPOFFSETS, STRIPBYTECOUNTS, TILEOFFSETS, TILEBYTECOUNTS)


def has_planes(image: ImageFile) -> bool:
    """Return whether an opened picture has 16 bits a colour, and a plane for each colour."""
    if not isinstance(image, TiffImageFile) or len(image.getbands()) < 3:
        return False
    return image.tag_v2.get(PLANAR_CONFIGURATION) == 2 and image.tag_v2.get(BITSPERSAMPLE, (8,))[0] == 16


def joined_planes(image: ImageFile, data: bytes, max_side: int) -> Image.Image:
    """Return such a picture with 8 bits a colour, scaled to the bits that its values use.

    Args:
        image: see :func:`has_planes`.
        max_side: longest side of the result.

    Raises:
        PictureRefused: its table of tags is that of files of more than 4 GB.
    """
    assert isinstance(image, TiffImageFile)
    if data[2:4] not in (b"*\0", b"\0*"):
        raise PictureRefused("the file is of a kind that cannot be read here: save it as PNG or JPEG first")
    whites, planes = list[float](), list[Image.Image]()
    for number in range(len(image.getbands())):  # one in memory at a time
        values = np.asarray(_plane(image, data, number))
        whites.append(few_bits_white(float(values.max())))
        planes.append(shrink_to_rgb(_of_8_bits(values, whites[-1]), max_side).getchannel(0))
    if image.mode == "RGBA" and planes[-1].getextrema() == (255, 255):
        whites[-1] = 0.0  # says nothing about the colours
    shares = [white / max(whites) or 1.0 for white in whites]
    scaled = [
        plane.point([round(value * share) for value in range(256)])
        for plane, share in zip(planes, shares, strict=True)
    ]
    return Image.merge(image.mode, scaled)


def _of_8_bits(values: UInt16Array, white: float) -> Image.Image:
    table = np.rint(np.minimum(np.arange(2**16) / white, 1.0) * 255).astype(np.uint8)
    found = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), _ROWS_AT_ONCE):  # looking values up takes eight bytes for each
        found[top : top + _ROWS_AT_ONCE] = table[values[top : top + _ROWS_AT_ONCE]]
    return Image.fromarray(found)


def _plane(image: TiffImageFile, data: bytes, number: int) -> Image.Image:
    tags = image.tag_v2
    own: dict[int, tuple[int, ...]] = {tag: (int(tags[tag]),) for tag in _SAME if tag in tags}
    for tag in _OF_PIECES:
        if tag in tags:
            n_pieces = len(tags[tag]) // int(tags.get(SAMPLESPERPIXEL, len(image.getbands())))
            own[tag] = tags[tag][number * n_pieces : (number + 1) * n_pieces]
    own |= {BITSPERSAMPLE: (16,), **dict.fromkeys(_OF_GREY, (1,))}
    order = "<" if data[:2] == b"II" else ">"
    place = len(data) + len(data) % 2
    start = data[:4] + struct.pack(f"{order}I", place)
    plane = TiffImageFile(io.BytesIO(start + data[8:].ljust(place - 8, b"\0") + _table(own, place, order)))
    plane.load()
    return plane


def _table(tags: Mapping[int, tuple[int, ...]], place: int, order: str) -> bytes:
    """Return a TIFF directory with 32-bit values, to be written at byte ``place`` of a file."""
    entries, values = b"", b""
    values_at = place + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        content = struct.pack(f"{order}{len(value)}I", *value)
        if len(value) > 1:
            content, values = struct.pack(f"{order}I", values_at + len(values)), values + content
        entries += struct.pack(f"{order}HHI", tag, TiffTags.LONG, len(value)) + content
    return struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + values
