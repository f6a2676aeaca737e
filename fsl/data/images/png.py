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
    for kind, content, _ in _chunks(data):
        if kind == b"IDAT" or len(found) == _MOST_CHUNKS:
            break
        found.setdefault(kind, content)
    return found


def without_extras(data: bytes) -> bytes:
    """Return a PNG with nothing but what its pixels need: no profile, no texts, no times."""
    kept = [whole for kind, _, whole in _chunks(data) if not kind[0] & 0x20 or kind == _TRANSPARENCY]
    return _MARK + b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield name, content and all bytes of each chunk."""
    place = len(_MARK) if data.startswith(_MARK) else len(data)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 12 + length
        yield data[place + 4 : place + 8], data[place + 8 : end - 4], data[place:end]
        place = end
