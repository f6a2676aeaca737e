"""What the chunks of a PNG state about its values and colours, which Pillow does not pass on.

Source: Portable Network Graphics (Third Edition), W3C.
"""

from __future__ import annotations

from collections.abc import Iterator

_MARK = b"\x89PNG\r\n\x1a\n"
# What a picture cannot be drawn without; the first letter of all others is small.
_TRANSPARENCY = b"tRNS"
_MOST_CHUNKS = 2000


def chunks_before_pixels(data: bytes) -> dict[bytes, bytes]:
    """Return the content of the chunks before the pixels by name, the first of each; empty for no PNG."""
    found: dict[bytes, bytes] = {}
    for kind, start, end in chunks(data):
        if kind == b"IDAT" or len(found) == _MOST_CHUNKS:
            break
        found.setdefault(kind, data[start + 8 : end - 4])
    return found


def without_extras(data: bytes) -> bytes:
    """Return a PNG with nothing but what its pixels need: no profile, no texts, no times."""
    kept = [data[a:b] for kind, a, b in chunks(data) if not kind[0] & 0x20 or kind == _TRANSPARENCY]
    return _MARK + b"".join(kept)


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, and where it starts and ends: length, name, content and checksum."""
    place = len(_MARK) if data.startswith(_MARK) else len(data)
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 8], place, end
        place = end
