"""Pictures that are small or easily made and would cost much to read, of every format; and large good ones.

What each does: floods of blocks that hold nothing, tables that name the same bytes again and again, sizes
that the pixel count does not show, one bomb inside another, texts read a byte at a time.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from PIL import Image

from tests.hostile.images import chunk, encoded, picture
from tests.hostile.inputs import Hostile

MEGABYTE = 2**20
SHORT, LONG = 3, 4
TIFF_DATA_START = 8


def costly() -> Iterator[Hostile]:
    """All of them."""
    for make in (_jpegs, _pngs, _tiffs, _gifs, _boxes, _texts, _bitmaps):
        yield from make()
    yield from _large()


def with_segments(picture: bytes, segments: bytes) -> bytes:
    """A JPEG with other bytes right after its start."""
    return picture[:2] + segments + picture[2:]


def exif(n_tags: int, count: int, number: int = 1_000) -> bytes:
    """A table of tags that all name the same bytes."""
    tags = b"".join(struct.pack("<HHII", number + i, 1, count, 0) for i in range(n_tags))
    return b"II*\0" + struct.pack("<IH", 8, n_tags) + tags + bytes(4)


def tiff(
    width: int, height: int, data: bytes, tags: Mapping[int, tuple[int, object]], bits: int = 8
) -> bytes:
    """A little-endian grey TIFF; ``tags`` from tag to its type and its value or values."""
    every = {256: (LONG, width), 257: (LONG, height), 258: (SHORT, bits), 259: (SHORT, 1), 262: (SHORT, 1)}
    every |= dict(tags)
    data += b"\0" * (len(data) % 2)
    directory = TIFF_DATA_START + len(data)
    overflow_start = directory + 2 + 12 * len(every) + 4
    entries, overflow = b"", b""
    for tag, (kind, value) in sorted(every.items()):
        values = np.atleast_1d(np.asarray(value)).astype("<u2" if kind == SHORT else "<u4")
        content = values.tobytes()
        place = content.ljust(4, b"\0")
        if len(content) > 4:
            place = struct.pack("<I", overflow_start + len(overflow))
            overflow += content + b"\0" * (len(content) % 2)
        entries += struct.pack("<HHI", tag, kind, values.size) + place
    table = struct.pack("<H", len(every)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", directory) + data + table + overflow


def progressive(side: int, repeated: int) -> bytes:
    """A grey progressive JPEG whose last pass is stored so many more times."""
    plain = encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * repeated + plain[-2:]


@cache
def _small_jpeg() -> bytes:
    return encoded(Image.new("RGB", (16, 16), "red"), "JPEG")


def _jpegs() -> Iterator[Hostile]:
    small = _small_jpeg()
    tags = exif(5_000, 60_000)
    floods = {
        "empty segments": with_segments(small, b"\xff\xe4\0\2" * (2 * MEGABYTE)),
        "comments": with_segments(small, b"\xff\xfe\0\3x" * MEGABYTE),
        "empty tables": small[:-2] + b"\xff\xc4\0\2" * (2 * MEGABYTE) + small[-2:],
        "starts": with_segments(small, b"\xff\xd8" * (4 * MEGABYTE)),
        "fill bytes": with_segments(small, b"\xff" * (32 * MEGABYTE)),
        "escaped bytes": with_segments(small, b"\xff\0" * (16 * MEGABYTE)),
        "zeros between segments": with_segments(small, bytes(32 * MEGABYTE)),
    }
    for name, data in floods.items():
        yield Hostile("flood of blocks", f"{name}.jpg", data, False)
    bombs = {
        "escaped bytes in a pass": small[:-2] + b"\xff\0" * (16 * MEGABYTE) + small[-2:],
        "restarts in a pass": small[:-2] + b"\xff\xd0" * (16 * MEGABYTE) + small[-2:],
        "tags of the same bytes": with_segments(
            small, b"\xff\xe1" + struct.pack(">H", 8 + len(tags)) + b"Exif\0\0" + tags
        ),
    }
    for name, data in bombs.items():
        yield Hostile("flood of blocks", f"{name}.jpg", data)
    inner = exif(1, 1, number=0x8769)[:-16] + struct.pack("<HHIII", 0x8769, 4, 1, 26, 0)
    inner += exif(5_000, 60_000)[8:]
    bomb = b"\xff\xe1" + struct.pack(">H", 8 + len(inner)) + b"Exif\0\0" + inner
    yield Hostile("one bomb inside another", "inner tags of the same bytes.jpg", with_segments(small, bomb))
    flood = small[:-2] + b"\xff" * (6 * MEGABYTE) + b"\0" + small[-2:] + b"film"
    yield Hostile("flood of blocks", "fill bytes in a pass.jpg", flood)
    yield Hostile("passes over a large picture", "90 passes.jpg", progressive(5_000, 90), False)
    yield Hostile("passes over a large picture", "30 passes.jpg", progressive(4_900, 25), True)


def png_with(before: bytes = b"", after: bytes = b"", pixels: bytes = b"", side: int = 4) -> bytes:
    """A grey PNG with chunks before and after its pixels, or with other packed pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packed = pixels or zlib.compress(bytes(side * (side + 1)))
    body = before + chunk(b"IDAT", packed) + after
    return b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b"")


def _pngs() -> Iterator[Hostile]:
    for kind in (b"abCd", b"tEXt", b"IDAT", b"sPLT", b"eXIf"):
        flood = chunk(kind, b"") * (4 * MEGABYTE // 12)
        yield Hostile("flood of blocks", f"empty {kind.decode()} before.png", png_with(before=flood), False)
        yield Hostile("flood of blocks", f"empty {kind.decode()} after.png", png_with(after=flood), False)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9))
    yield Hostile("one bomb inside another", "30,000 packed texts.png", png_with(before=text * 30_000))
    tags = chunk(b"eXIf", exif(5_000, 60_000))
    yield Hostile("one bomb inside another", "tags of the same bytes.png", png_with(before=tags * 20))
    nothing = b"\x78\x01" + b"\0\0\0\xff\xff" * (8 * MEGABYTE)
    yield Hostile("one bomb inside another", "empty packed blocks.png", png_with(pixels=nothing, side=4_900))


def _tiffs() -> Iterator[Hostile]:
    black = zlib.compress(bytes(2**24), 9)
    tiles = {259: (SHORT, 8), 324: (LONG, TIFF_DATA_START), 325: (LONG, len(black))}
    giant = tiff(16, 16, black, {**tiles, 322: (LONG, 32_752), 323: (LONG, 60_000)})
    yield Hostile("size that the pixels do not show", "giant tile.tif", giant, False)
    wide = tiff(16, 16, black, {**tiles, 322: (LONG, 2**31 - 16), 323: (LONG, 16)})
    yield Hostile("size that the pixels do not show", "wide tile.tif", wide, False)
    rows = 2 * MEGABYTE
    strips = {273: (LONG, np.full(rows, TIFF_DATA_START)), 278: (LONG, 1)}
    yield Hostile("table with a cost for each entry", "strips.tif", tiff(1, rows, b"\0", strips), False)
    row = zlib.compress(bytes(6_000))
    planes = {
        258: (SHORT, [16] * 3),
        259: (SHORT, 8),
        262: (SHORT, 2),
        273: (LONG, np.full(9_000, TIFF_DATA_START)),
        277: (SHORT, 3),
        278: (LONG, 1),
        279: (LONG, np.full(9_000, len(row))),
        284: (SHORT, 2),
    }
    rows_of_planes = tiff(3_000, 3_000, row, planes, bits=16)
    yield Hostile("table with a cost for each entry", "rows of planes.tif", rows_of_planes, True)
    named = {number: (LONG, np.full(500_000, 8)) for number in range(60_000, 60_004)}
    yield Hostile("table with a cost for each entry", "long tags.tif", tiff(4, 4, bytes(16), named))
    many = exif(60_000, MEGABYTE) + bytes(MEGABYTE)
    yield Hostile("table with a cost for each entry", "tags of the same bytes.tif", many, False)
    for n_passes, n_strips in ((90, 36), (20, 300)):
        strip = progressive(1_600, n_passes)
        jpegs = {
            259: (SHORT, 7),
            273: (LONG, [TIFF_DATA_START] * n_strips),
            278: (LONG, 1_600),
            279: (LONG, [len(strip)] * n_strips),
        }
        data = tiff(1_600, min(60_000, 1_600 * n_strips), strip, jpegs)
        yield Hostile("one bomb inside another", f"{n_passes} passes in {n_strips} strips.tif", data, False)


def _gifs() -> Iterator[Hostile]:
    small = encoded(Image.new("P", (16, 16)), "GIF")
    start = 13 + 3 * 2 ** ((small[10] & 7) + 1) * (small[10] >> 7)
    floods = {
        "comments": b"!\xfe\x01a\0" * MEGABYTE,
        "one long comment": b"!\xfe" + b"\x01a" * (4 * MEGABYTE) + b"\0",
        "graphic controls": b"!\xf9\x04\0\0\0\0\0" * MEGABYTE,
        "application blocks": b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" * 400_000,
        "no blocks at all": bytes(8 * MEGABYTE),
    }
    for name, blocks in floods.items():
        yield Hostile("flood of blocks", f"{name}.gif", small[:start] + blocks + small[start:], False)


def _boxes() -> Iterator[Hostile]:
    webp = encoded(Image.new("RGB", (16, 16)), "WEBP")[12:]
    side = (15).to_bytes(3, "little")
    frame = b"ANMF" + struct.pack("<I", 16 + len(webp)) + bytes(6) + 2 * side + bytes(4) + webp
    start = b"VP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + 2 * side
    start += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    floods = {"chunks": webp + b"abcd\0\0\0\0" * MEGABYTE, "frames": start + frame * 100_000}
    for name, body in floods.items():
        data = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
        yield Hostile("flood of blocks", f"{name}.webp", data, False)
    for image_format in ("AVIF", "HEIF"):
        data = encoded(Image.new("RGB", (64, 64)), image_format)
        box, place = struct.pack(">I4s", 8, b"free"), data.index(b"meta") - 4
        flood = data[:place] + box * MEGABYTE + data[place:]
        yield Hostile("flood of blocks", f"boxes.{image_format.lower()}", flood, False)
        # The size of the picture is a property of its own; the data behind it is that of 64 x 64 pixels.
        place = data.index(b"ispe") + 8
        for side in (5_000, 60_000, 2**31 - 1):
            lying = data[:place] + struct.pack(">II", side, side) + data[place + 8 :]
            name = f"said to have {side} pixels a side.{image_format.lower()}"
            yield Hostile("size that the pixels do not show", name, lying)


def _texts() -> Iterator[Hostile]:
    texts = {
        "comment lines": b"P3 100 100 255\n" + b"#\n" * (2 * MEGABYTE) + b"1 " * 30_000,
        "comment in the header": b"P6 #" + b"x" * (16 * MEGABYTE) + b"\n4 4 255\n" + bytes(48),
        "blanks in the header": b"P5" + b" " * (16 * MEGABYTE) + b"4 4 255\n" + bytes(16),
        "digits in the header": b"P5 " + b"0" * (16 * MEGABYTE) + b"4 4 255\n" + bytes(16),
    }
    for name, data in texts.items():
        yield Hostile("text read a byte at a time", f"{name}.ppm", data, False)
    numbers = b"P3 3000 3000 255\n" + b"1 " * 27_000_000
    yield Hostile("text read a byte at a time", "27 million numbers.ppm", numbers)


def bitmap(side: int, commands: bytes) -> bytes:
    """An 8-bit BMP whose pixels are run-length commands."""
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256))
    info = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(commands), 0, 0, 256, 0)
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(commands), 0, 0, start) + info + palette + commands


def _bitmaps() -> Iterator[Hostile]:
    floods = {"runs": b"\1\5", "empty runs": b"\0\2\0\0", "ends of lines": b"\0\0"}
    for name, command in floods.items():
        data = bitmap(100, command * (4 * MEGABYTE))
        yield Hostile("commands without pixels", f"{name}.bmp", data, False)
    yield Hostile("commands without pixels", "as many runs as pixels.bmp", bitmap(3_000, b"\1\5" * 9_000_000))


def _large() -> Iterator[Hostile]:
    """Large pictures; those of a usual size must be read."""
    photo = picture().resize((4_000, 3_000))
    usual: dict[str, dict[str, object]] = {
        "JPEG": {"quality": 95},
        "PNG": {"compress_level": 1},
        "WEBP": {"method": 0},
        "TIFF": {"compression": "tiff_lzw"},
        "BMP": {},
        "AVIF": {"speed": 10},
    }
    for image_format, options in usual.items():
        data = encoded(photo, image_format, **options)
        yield Hostile("large pictures", f"12 megapixels.{image_format.lower()}", data, True)
    wide = encoded(Image.new("RGB", (9_900, 9_900), "red"), "JPEG")
    yield Hostile("large pictures", "98 megapixels.jpg", wide, True)
    yield Hostile("large pictures", "60 megapixels in passes.jpg", progressive(7_750, 3), True)
    colour = encoded(Image.new("RGB", (8_000, 7_500), "red"), "PNG", compress_level=1)
    yield Hostile("large pictures", "60 megapixels.png", colour, False)
    webp = encoded(Image.new("RGB", (6_000, 6_000)), "WEBP", lossless=True, quality=0, method=0)
    yield Hostile("large pictures", "36 megapixels.webp", webp, False)
