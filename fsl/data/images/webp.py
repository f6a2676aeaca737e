"""Repair the header of a WebP that states another size than the file has.

Source: RFC 9649, WebP Image Format.
"""

from __future__ import annotations

_HEAD_BYTES, _SIZE_PLACE = 12, 8
_MOST_CHUNKS = 1000


def with_true_size(data: bytes) -> bytes:
    """Return a WebP whose header states the size of its chunks, with the byte that pads the last one.

    A file that ends within a chunk is returned as it is: it lacks pixels.
    """
    place = _HEAD_BYTES
    for _ in range(_MOST_CHUNKS):
        if place + 8 > len(data):
            break
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        if place + 8 + size > len(data):
            return data
        place += 8 + size + size % 2
    stated = (place - _SIZE_PLACE).to_bytes(4, "little")
    return data[:4] + stated + data[_SIZE_PLACE:place].ljust(place - _SIZE_PLACE, b"\0")
