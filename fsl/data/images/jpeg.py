"""Count the passes of a JPEG from its bytes, before it is decoded."""

from __future__ import annotations

import re

_START, _END, _START_OF_PASS = 0xD8, 0xD9, 0xDA
# Markers between passes; within one, 0xFF is followed by 0 (a plain 255) or by a restart marker.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")


def count_passes(data: bytes, most: int) -> int:
    """Return how often the decoder would go over the picture.

    A baseline JPEG has 1 pass, a progressive one about 10. Each pass may visit every block of the picture
    and take only ten bytes of the file, so a few hundred kilobytes can keep a decoder busy for minutes. Other
    segments (a thumbnail in the EXIF data) and data after the end (a phone's video) are not counted.

    Args:
        data: the file.
        most: stop counting here.

    Source: ITU-T T.81, annex B.
    """
    passes, place = 0, 0
    while passes < most:
        found = _MARKER.search(data, place)
        if found is None or found[1][0] == _END:
            break
        place = found.end()
        if found[1][0] == _START:
            continue
        passes += found[1][0] == _START_OF_PASS
        place += int.from_bytes(data[place : place + 2], "big")
    return passes
