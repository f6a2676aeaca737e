"""Count the blocks of GIF, WebP, AVIF and HEIC files, and the commands and comments of BMP and PPM."""

from __future__ import annotations

import re
import struct

from fsl.data.images.bounds import (
    MEMORY_BYTES,
    MOST_PIXELS_OF_HEAVY_FORMATS,
    WEBP_BYTES_A_PIXEL,
    PictureRefused,
)

_MOST_GIF_BLOCKS = 20_000
_MOST_CHUNKS = 10_000
_MOST_BOXES = 1_000
_RUN_LENGTH_CODINGS = (1, 2)
_MOST_HEADER_BYTES = 2**16
_MOST_COMMENTS = 1_000
_BETWEEN_NUMBERS = re.compile(rb"\s+|#[^\r\n]*")
_NUMBER = re.compile(rb"[^\s#]+")


def check_gif(data: bytes) -> None:
    """Refuse a GIF with a flood of blocks before its first picture; that is how far it is read."""
    place = 13 + (3 * 2 ** ((data[10] & 7) + 1) if len(data) > 10 and data[10] & 0x80 else 0)
    is_inside = False
    for _ in range(_MOST_GIF_BLOCKS):
        if place >= len(data):
            return
        byte = data[place]
        if is_inside:
            place, is_inside = place + 1 + byte, byte > 0
        elif byte in b",;":
            return
        else:  # Pillow passes over what is no block a byte at a time
            is_inside = byte == ord("!")
            place += 2 if is_inside else 1
    raise PictureRefused(f"it has more than {_MOST_GIF_BLOCKS:,} blocks before its first picture")


def check_webp(data: bytes) -> None:
    """Refuse a WebP with a flood of chunks, or of a size that its reader takes too much memory to open."""
    pixels = _webp_pixels(data)
    if pixels > MOST_PIXELS_OF_HEAVY_FORMATS:
        raise PictureRefused(
            f"the picture has {pixels / 1e6:,.4g} million pixels; of this format at most "
            f"{MOST_PIXELS_OF_HEAVY_FORMATS / 1e6:g} million are accepted"
        )
    if pixels * WEBP_BYTES_A_PIXEL > MEMORY_BYTES - len(data):
        raise PictureRefused(
            f"decoding its {pixels / 1e6:,.4g} million pixels takes too much memory: save it as JPEG first"
        )
    place, n_chunks = 12, 0
    while place + 8 <= len(data):
        n_chunks += 1
        if n_chunks > _MOST_CHUNKS:
            raise PictureRefused(f"it has more than {_MOST_CHUNKS:,} chunks, which no picture needs")
        (length,) = struct.unpack_from("<I", data, place + 4)
        place += 8 + length + length % 2


def _webp_pixels(data: bytes) -> int:
    """Return the number of pixels that the first chunk states, 0 if it states none."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0
    if kind == b"VP8X":
        width, height = (int.from_bytes(body[place : place + 3], "little") + 1 for place in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (int.from_bytes(body[place : place + 2], "little") & 0x3FFF for place in (6, 8))
    else:
        return 0
    return width * height


def check_boxes(data: bytes) -> None:
    """Refuse an AVIF or HEIC with a flood of boxes."""
    place = 0
    for _ in range(_MOST_BOXES):
        if place + 16 > len(data):
            return
        length, _kind, large = struct.unpack_from(">I4sQ", data, place)
        length = large if length == 1 else length
        if length < 8:  # 0: the last box
            return
        place += length
    raise PictureRefused(f"it has more than {_MOST_BOXES:,} boxes, which no picture needs")


def check_bmp(data: bytes) -> None:
    """Refuse a BMP that has far more run-length commands than its pixels need."""
    if len(data) < 34 or struct.unpack_from("<I", data, 30)[0] not in _RUN_LENGTH_CODINGS:
        return
    start, width, height = (struct.unpack_from("<i", data, place)[0] for place in (10, 18, 22))
    most = 3 * abs(width * height) + 4 * abs(height) + 4096
    if len(data) - start > most:
        raise PictureRefused("it has far more run-length commands than pixels")


def check_ppm(data: bytes) -> None:
    """Refuse a PPM or PGM with a flood of comments or blanks, which are read a byte at a time."""
    n_numbers, place = 2 if data[1:2] in (b"1", b"4") else 3, 2
    for _ in range(2 * _MOST_COMMENTS):
        gap = _BETWEEN_NUMBERS.match(data, place, _MOST_HEADER_BYTES)
        if gap is not None:
            place = gap.end()
        elif n_numbers:
            number = _NUMBER.match(data, place, _MOST_HEADER_BYTES)
            place, n_numbers = number.end() if number else _MOST_HEADER_BYTES, n_numbers - 1
        if place >= min(_MOST_HEADER_BYTES, len(data)) or (gap is None and not n_numbers):
            break
    else:
        place = _MOST_HEADER_BYTES
    is_text = data[1:2] in (b"1", b"2", b"3")
    if place >= _MOST_HEADER_BYTES or (is_text and data.count(b"#") > _MOST_COMMENTS):
        raise PictureRefused("it is filled up with comments or blanks")
