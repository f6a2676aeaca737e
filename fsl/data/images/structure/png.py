"""Measure a PNG from its bytes: its chunks, and the size that its header states."""

from __future__ import annotations

import struct

from fsl.data.images.bounds import PictureRefused
from fsl.data.images.png import chunks
from fsl.data.images.structure.tags import exif_is_small

_SIZE = struct.Struct(">II")
_MOST_CHUNKS = 50_000
_PLAIN_CHUNKS = 5_000
_PLAIN_BYTES = 8 * 2**20
_PLAIN_PIXELS = 25_000_000
# A camera's picture of 12 to 16 megapixels, and what it weighs with many details.
_DETAILED_BYTES, _DETAILED_PIXELS = 32 * 2**20, 16_000_000
_PACKED = frozenset({b"zTXt", b"iTXt", b"iCCP"})
_PLAIN_PACKED_CHUNKS = 32
_PLAIN_PACKED_BYTES = 100_000


def is_plain_png(data: bytes) -> bool:
    """Return whether a PNG is plainly harmless: few chunks, moderate size, little that unpacks.

    Raises:
        PictureRefused: it has more chunks than any program writes.
    """
    n_chunks, n_exif, packed_sizes, has_small_exif = 0, 0, list[int](), True
    for n_chunks, (kind, start, end) in enumerate(chunks(data), start=1):
        if n_chunks > _MOST_CHUNKS:
            raise PictureRefused(f"it has more than {_MOST_CHUNKS:,} chunks, which no picture needs")
        if kind == b"IEND":
            break
        if kind in _PACKED:
            packed_sizes.append(end - start - 12)
        elif kind == b"eXIf":
            has_small_exif = n_exif == 0 and exif_is_small(data[start + 8 : end - 4])
            n_exif += 1
    return (
        n_chunks <= _PLAIN_CHUNKS
        and len(packed_sizes) <= _PLAIN_PACKED_CHUNKS
        and sum(packed_sizes) <= _PLAIN_PACKED_BYTES
        and has_small_exif
        and _has_plain_size(data)
    )


def _has_plain_size(data: bytes) -> bool:
    """Return whether the first chunk is the header, and states few pixels of 8 bits for the file's size."""
    if data[12:16] != b"IHDR" or len(data) < 25:
        return False
    width, height = _SIZE.unpack_from(data, 16)
    pixels = width * height
    is_small_enough = len(data) <= (_DETAILED_BYTES if pixels <= _DETAILED_PIXELS else _PLAIN_BYTES)
    return bool(0 < pixels <= _PLAIN_PIXELS) and is_small_enough and data[24] <= 8
