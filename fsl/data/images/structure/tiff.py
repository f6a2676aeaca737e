"""Measure a TIFF from its bytes: its tags, its strips and tiles, and the JPEGs inside."""

from __future__ import annotations

from fsl.data.images.bounds import PictureRefused
from fsl.data.images.structure.jpeg import measure_jpeg
from fsl.data.images.structure.tags import Tag, first_tags

_BITS, _COMPRESSION, _SAMPLES = 258, 259, 277
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_STRIPS, _TILES = (273, 279), (324, 325)  # tags of the places and of the sizes
_JPEG_CODINGS = (6, 7)
_MOST_TAGS = 4_096
_MOST_PIECES = 100_000
_MOST_TILE_BYTES = 64 * 2**20
_MOST_JPEGS = 10_000
_MOST_PIXELS_OF_ALL_PASSES = 800_000_000


def check_tiff(data: bytes) -> None:
    """Refuse a TIFF whose tables or pieces cost far more than a picture needs."""
    tags: dict[int, Tag] = {}
    n_tags, n_bytes = 0, 0
    for n_tags, tag in enumerate(first_tags(data), start=1):
        tags[tag.number] = tag
        n_bytes += tag.n_bytes
        if n_tags > _MOST_TAGS or n_bytes > 2 * len(data) + 2**20:
            raise PictureRefused("its table of tags is larger than the file")
    for number in (*_STRIPS, *_TILES):
        if number in tags and tags[number].count > _MOST_PIECES:
            raise PictureRefused(
                f"it is stored in {tags[number].count:,} pieces; at most {_MOST_PIECES:,} are read"
            )
    _check_tiles(data, tags)
    if _first(data, tags, _COMPRESSION, 1) in _JPEG_CODINGS:
        _check_jpegs(data, tags)


def _first(data: bytes, tags: dict[int, Tag], number: int, usual: int) -> int:
    values = tags[number].values(data, 1) if number in tags else []
    return values[0] if values else usual


def _check_tiles(data: bytes, tags: dict[int, Tag]) -> None:
    width, height = (_first(data, tags, number, 0) for number in (_TILE_WIDTH, _TILE_HEIGHT))
    bits = _first(data, tags, _BITS, 8) * _first(data, tags, _SAMPLES, 1)
    if width * height * bits // 8 > _MOST_TILE_BYTES:
        raise PictureRefused(
            f"its tiles take {width * height * bits / 8 / 2**20:,.0f} MB each; at most "
            f"{_MOST_TILE_BYTES // 2**20} MB are read"
        )


def _check_jpegs(data: bytes, tags: dict[int, Tag]) -> None:
    """Refuse JPEGs that together take far too many passes; several pieces may be the same bytes."""
    places, sizes = _STRIPS if _STRIPS[0] in tags else _TILES
    if places not in tags or sizes not in tags:
        return
    if tags[places].count > _MOST_JPEGS:
        raise PictureRefused(f"it holds more than {_MOST_JPEGS:,} JPEGs")
    total, known = 0, dict[tuple[int, int], int]()
    for piece in zip(
        tags[places].values(data, _MOST_JPEGS), tags[sizes].values(data, _MOST_JPEGS), strict=False
    ):
        if piece not in known:
            jpeg = measure_jpeg(data, piece[0], sum(piece))
            known[piece] = jpeg.width * jpeg.height * jpeg.passes
        total += known[piece]
        if total > _MOST_PIXELS_OF_ALL_PASSES:
            raise PictureRefused("it stores its picture in far more passes than any photo")
