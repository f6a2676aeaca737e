"""Measure a JPEG from its bytes: segments, passes over the picture, and memory for its coefficients.

Source: ITU-T T.81, annex B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from fsl.data.images.bounds import PictureRefused
from fsl.data.images.structure.tags import exif_is_small

_END, _START_OF_PASS, _EXIF, _PROFILE = 0xD9, 0xDA, 0xE1, 0xE2
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_FILL = re.compile(rb"\xff+")
# Second bytes that a 0xFF within a pass may have: 0 (a plain 255), restart markers and fill.
_IN_PASS = np.isin(np.arange(256), [0x00, 0xFF, *range(0xD0, 0xD8)])
_FIRST_PIECE, _LARGEST_PIECE = 2**14, 2**20

_MOST_SEGMENTS = 2_000
_MOST_JUNK_BYTES = 2**16
# A pass over a million pixels takes about a millisecond even if the file holds nothing for it.
_MOST_PIXELS_OF_ALL_PASSES = 800_000_000
_MOST_PASSES = 200

_PLAIN_BYTES = 8 * 2**20
_PLAIN_PIXELS = 25_000_000
_PLAIN_PIXELS_OF_ALL_PASSES = 400_000_000
_PLAIN_SEGMENTS = 500
_PLAIN_PROFILE_BYTES = 100_000


@dataclass
class JpegStructure:
    """What a JPEG states, and what its decoder has to do.

    Attributes:
        frame: marker of the frame, which tells the kind of coding; 0 if there is none.
        bits: of each sample.
        width, height: pixels.
        coefficients: number of coefficients of the whole picture.
        passes: number of passes over the picture.
        segments: number of segments of all kinds.
        profile_bytes: size of colour profiles.
        exif_segments: number of segments with EXIF data.
        has_small_exif: whether reading its EXIF data costs next to nothing.
        has_end: whether the end mark is there.
    """

    frame: int = 0
    bits: int = 0
    width: int = 0
    height: int = 0
    coefficients: int = 0
    passes: int = 0
    segments: int = 0
    profile_bytes: int = 0
    exif_segments: int = 0
    has_small_exif: bool = True
    has_end: bool = False

    @property
    def held_bytes(self) -> int:
        """Return the memory of the coefficients, which a decoder of several passes keeps."""
        return 2 * self.coefficients if self.passes > 1 or self.frame != _BASELINE else 0

    @property
    def is_plain(self) -> bool:
        """Return whether its decoder can do no harm: usual coding, few segments, moderate size."""
        return (
            self.frame in (_BASELINE, _EXTENDED, _PROGRESSIVE)
            and self.bits == 8
            and 0 < self.width * self.height <= _PLAIN_PIXELS
            and self.segments <= _PLAIN_SEGMENTS
            and self.profile_bytes <= _PLAIN_PROFILE_BYTES
            and self.has_small_exif
            and self.has_end
            and self.passes * self.width * self.height <= _PLAIN_PIXELS_OF_ALL_PASSES
        )


def is_plain_jpeg(data: bytes) -> bool:
    """Return whether a JPEG is plainly harmless; raise PictureRefused if no program writes one like it."""
    return measure_jpeg(data).is_plain and len(data) <= _PLAIN_BYTES


def measure_jpeg(data: bytes, start: int = 0, end: int | None = None) -> JpegStructure:
    """Go through the segments of a JPEG up to its end mark; what follows that (a phone's video) is not read.

    Args:
        start, end: where the JPEG begins and ends in it.

    Raises:
        PictureRefused: it has far more segments, passes or bytes between its segments than any photo.
    """
    end = len(data) if end is None else min(end, len(data))
    found, place, junk = JpegStructure(), start, 0
    while (mark := data.find(b"\xff", place, end)) >= 0:
        fill = _FILL.match(data, mark, end)
        code_place = fill.end() if fill else end
        if code_place >= end:
            break
        code = data[code_place]
        junk += code_place - 1 - place + 2 * (code == 0)
        if junk > _MOST_JUNK_BYTES:
            raise PictureRefused("it is filled up with bytes that belong to no picture")
        place = code_place + 1
        if code == _END:
            found.has_end = True
            break
        if code == 0:
            continue
        found.segments += 1
        if found.segments > _MOST_SEGMENTS:
            raise PictureRefused(f"it has more than {_MOST_SEGMENTS:,} segments, which no photo has")
        if code not in _WITHOUT_LENGTH:
            place = _read_segment(data, code, place, end, found)
    return found


def _read_segment(data: bytes, code: int, place: int, end: int, found: JpegStructure) -> int:
    """Note what a segment states; return where the next one is looked for."""
    length = int.from_bytes(data[place : place + 2], "big")
    after = place + max(2, length)
    if code in _FRAMES and not found.frame:
        _read_frame(data[place + 2 : after], code, found)
    elif code == _PROFILE:
        found.profile_bytes += length
    elif code == _EXIF and data.startswith(b"Exif\0\0", place + 2):
        found.has_small_exif = found.exif_segments == 0 and exif_is_small(data[place + 8 : after])
        found.exif_segments += 1
    elif code == _START_OF_PASS:
        found.passes += 1
        pixels = max(1, found.width * found.height)
        most = min(_MOST_PASSES, max(1, _MOST_PIXELS_OF_ALL_PASSES // pixels))
        if found.passes > most:
            raise PictureRefused(_too_many_passes(most, pixels))
        return _end_of_pass(data, after, end)
    return after


def _too_many_passes(most: int, pixels: int) -> str:
    if most == _MOST_PASSES:
        return f"it stores its picture in more than {most} passes, which no photo does"
    return (
        f"more than {most} passes over {pixels / 1e6:,.3g} million pixels take too long to decode: save it "
        "without progressive display"
    )


def _read_frame(content: bytes, code: int, found: JpegStructure) -> None:
    """Note the size of the picture, and of each of its components."""
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        return
    found.frame, found.bits = code, content[0]
    found.height, found.width = int.from_bytes(content[1:3], "big"), int.from_bytes(content[3:5], "big")
    samplings = [(content[i] >> 4 or 1, content[i] & 15 or 1) for i in range(7, 6 + 3 * content[5], 3)]
    across, down = (max((sampling[k] for sampling in samplings), default=1) for k in (0, 1))
    blocks = -(-found.width // (8 * across)) * -(-found.height // (8 * down))
    found.coefficients = 64 * blocks * sum(x * y for x, y in samplings)


def _end_of_pass(data: bytes, place: int, end: int) -> int:
    """Return where the next marker is that is not part of the compressed pixels."""
    piece = _FIRST_PIECE
    while place < end:
        part = np.frombuffer(data, np.uint8, min(piece + 1, end - place), place)
        hits = np.flatnonzero((part[:-1] == 0xFF) & ~_IN_PASS[part[1:]])
        if hits.size:
            return place + int(hits[0])
        place += piece
        piece = min(4 * piece, _LARGEST_PIECE)
    return end
