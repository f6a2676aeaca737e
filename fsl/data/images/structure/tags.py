"""Measure the table of tags of a TIFF file, or of the EXIF data of another picture."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Bytes of a value of each type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, ..., LONG8, IFD8.
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 18: 8}
_SHORT_TYPES, _LONG_TYPES, _LONG8_TYPES = (3, 8), (4, 9, 13), (16, 18)
_SMALL_EXIF_TAGS, _SMALL_EXIF_BYTES = 500, 2**20
# To the tables of EXIF, of the place, and of interoperability.
_POINTERS = frozenset({0x8769, 0x8825, 0xA005})


@dataclass(frozen=True)
class Tag:
    """One entry of a table of tags.

    Attributes:
        number: of the tag.
        kind: type of its values.
        count: how many it has.
        place: where they are in the file.
        byte_order: "<" or ">".
    """

    number: int
    kind: int
    count: int
    place: int
    byte_order: str

    @property
    def n_bytes(self) -> int:
        """Return the size of all values."""
        return self.count * _TYPE_BYTES.get(self.kind, 1)

    def values(self, data: bytes, most: int) -> list[int]:
        """Return up to ``most`` values; none if they are no whole numbers or lie outside the file."""
        code = (
            "H" if self.kind in _SHORT_TYPES
            else "I" if self.kind in _LONG_TYPES
            else "Q" if self.kind in _LONG8_TYPES
            else "B" if self.kind == 1
            else ""
        )  # fmt: skip
        if not code:
            return []
        n = min(self.count, most)
        form = struct.Struct(f"{self.byte_order}{n}{code}")
        if self.place + form.size > len(data):
            return []
        return list(form.unpack_from(data, self.place))


def first_tags(data: bytes) -> Iterator[Tag]:
    """Yield the first table of tags of a TIFF file (also a BigTIFF); nothing if it has none.

    Args:
        data: the file, or EXIF data from its byte order on.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 16:
        return
    is_big = data[2:4] in (b"\x2b\0", b"\0\x2b")
    start = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4)[0]
    yield from _tags_at(data, start, order, is_big)


def _tags_at(data: bytes, start: int, order: str, is_big: bool) -> Iterator[Tag]:
    head = struct.Struct(f"{order}Q" if is_big else f"{order}H")
    entry = struct.Struct(f"{order}HHQ" if is_big else f"{order}HHI")
    room = 8 if is_big else 4
    if start + head.size > len(data):
        return
    place = start + head.size
    for _ in range(head.unpack_from(data, start)[0]):
        if place + entry.size + room > len(data):
            return
        number, kind, count = entry.unpack_from(data, place)
        at = place + entry.size
        if count * _TYPE_BYTES.get(kind, 1) > room:
            at = struct.unpack_from(f"{order}Q" if is_big else f"{order}I", data, at)[0]
        yield Tag(number, kind, count, at, order)
        place += entry.size + room


def exif_is_small(data: bytes) -> bool:
    """Return whether reading EXIF data copies little: its tags may all name the same bytes."""
    return _is_small(data, first_tags(data), levels=3)


def _is_small(data: bytes, tags: Iterable[Tag], levels: int) -> bool:
    """Return whether a table of tags is small, and with it the tables that it points to."""
    n_bytes = 0
    inner: list[int] = []
    for n_tags, tag in enumerate(tags, start=1):
        n_bytes += min(tag.n_bytes, len(data))
        if tag.number in _POINTERS:
            inner += tag.values(data, 1)
        if n_tags > _SMALL_EXIF_TAGS or n_bytes > _SMALL_EXIF_BYTES or len(inner) > len(_POINTERS):
            return False
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "<")
    return levels == 0 or all(
        _is_small(data, _tags_at(data, place, order, is_big=False), levels - 1) for place in inner
    )
