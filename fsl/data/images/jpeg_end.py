"""Tell a JPEG that lacks only its end mark from one that is cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START, _END, _START_OF_PASS = 0xD8, 0xD9, 0xDA
_END_MARK = b"\xff\xd9"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Markers between passes; within one, 0xFF is followed by 0 (a plain 255) or by a restart marker. Of several
# 0xFF the last one counts; a pattern for all of them would go over a long row of them again and again.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")


def lacks_end_mark(data: bytes) -> bool:
    """Return whether a file is a JPEG that ends without the mark of its end."""
    if data[:2] != b"\xff\xd8" or data[-2:] == _END_MARK:
        return False
    return all(marker != _END for marker, _ in _segments(data))


def endings_to_try(data: bytes) -> tuple[bytes, bytes] | None:
    """Return two ways to complete a JPEG that lacks its end mark, or None if whole passes are missing.

    A picture whose pixels are all there decodes to the same in both ways. If pixels are missing, the decoder
    takes them from what was added, which differs in every bit.

    Source: ITU-T T.81, annexes B and G.
    """
    if not _has_all_passes(data):
        return None
    whole = data.rstrip(b"\xff")  # half a marker
    # Irregular, or a decoder that is one bit further on would find the same again.
    added = bytes(range(1, 65))
    return whole + added + _END_MARK, whole + bytes(255 - byte for byte in added) + _END_MARK


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker and the place of what follows it, up to the end mark."""
    place = 0
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        yield marker, place
        if marker == _END:
            return
        if marker != _START:
            place += int.from_bytes(data[place : place + 2], "big")


def _has_all_passes(data: bytes) -> bool:
    """Return whether the passes bring every coefficient of every component to its last bit."""
    components: set[int] = set()
    missing: dict[int, list[bool]] = {}
    for marker, place in _segments(data):
        body = data[place + 2 : place + int.from_bytes(data[place : place + 2], "big")]
        if marker in _FRAMES and len(body) > 5:
            components = set(body[6::3])
            missing = {component: [True] * 64 for component in components}
        elif marker == _START_OF_PASS and len(body) > 3 and len(body) == 4 + 2 * body[0]:
            first, last, bits = body[-3:]
            for component in set(body[1:-3:2]) & components:
                if bits & 15 == 0:  # nothing of these coefficients is left to a later pass
                    missing[component][first : last + 1] = [False] * len(missing[component][first : last + 1])
    return bool(missing) and not any(any(some) for some in missing.values())
