"""Counting a JPEG's passes from its bytes alone, before anything is decoded."""

from __future__ import annotations

import re

_START, _END, _START_OF_PASS = 0xD8, 0xD9, 0xDA
# Markers between passes; within one, 0xFF is followed by 0 (a plain 255) or by a restart marker.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")


def count_passes(data: bytes, most: int) -> int:
    """How often the decoder would go over the picture: 1 for a baseline JPEG, about 10 for a progressive one.

    Each pass of a progressive JPEG may visit every block while it takes ten bytes in the file, so a few
    hundred kilobytes can keep a decoder busy for minutes. What lies inside other segments (a thumbnail in the
    EXIF data) and after the end (a phone's film) is not counted.

    Args:
        data: the file.
        most: counting ends here.

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
