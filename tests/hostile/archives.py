"""Hostile zips. Each that opens at all holds two good pictures beside what is wrong, which must be kept."""

from __future__ import annotations

import io
import random
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache

from tests.hostile.images import encoded, jpeg_of_many_passes, picture, png
from tests.hostile.inputs import Hostile

GOOD = {
    "good/apple/1.png": encoded(picture(1), "PNG"),
    "good/pear/1.png": encoded(picture(2), "PNG"),
}
KEEPS = tuple(GOOD)
BAD_NAMES = (
    "/etc/cron.d/1.png",
    "../../outside.png",
    "good/../../outside.png",
    "..\\..\\outside.png",
    "C:\\Windows\\1.png",
    "C:/1.png",
    "\\\\server\\share\\1.png",
    "~/../1.png",
    "good/" + "deep/" * 4000 + "../../1.png",
)
ODD_NAMES = (
    "good/<img src=x onerror=alert(1)>/1.png",
    "good/![x](http:example.com)/1.png",
    "good/line\nbreak\x1b[31m/1.png",
    "good/\u202egnp/1.png",
    "good/" + "n" * 5000 + "/1.png",
    "good/" + "deep/" * 2000 + "1.png",
    "good/CON/1.png",
    "good/ /1.png",
    "good/queries/1.png",
    "~/1.png",
)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@cache
def archives() -> tuple[Hostile, ...]:
    """All of them. Packing takes seconds, so they are kept for later calls."""
    kinds = (_cut_and_flipped, _names, _entries, _bombs, _floods, _no_archives)
    return tuple(one for kind in kinds for one in kind())


def _cut_and_flipped() -> Iterator[Hostile]:
    whole = zipped(GOOD)
    for share in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield Hostile("zip cut off", f"cut at {share:.0%}.zip", whole[: int(len(whole) * share)], False)
    directory = whole.index(b"PK\x01\x02")
    for seed in range(24):
        rng = random.Random(f"zip {seed}")
        flipped = bytearray(whole)
        place = rng.randrange(directory, len(whole)) if seed % 2 else rng.randrange(len(whole))
        flipped[place] ^= 1 << rng.randrange(8)
        yield Hostile("zip with bits flipped", f"flipped {seed}.zip", bytes(flipped))


def _names() -> Iterator[Hostile]:
    for number, name in enumerate(BAD_NAMES):
        data = zipped({**GOOD, name: encoded(picture(50 + number), "PNG")})
        yield Hostile("zip with paths that lead out", f"path {number}.zip", data, True, KEEPS)
    for number, name in enumerate(ODD_NAMES):
        data = zipped({**GOOD, name: encoded(picture(70 + number), "PNG")})
        yield Hostile("zip with odd names", f"name {number}.zip", data, True, KEEPS)
    for stored in (b"m\xfcsli", b"\xff\xfe\x00x", b"caf\xc3\xa9", b"\xed\xa0\x80x"):
        plain = zipped({**GOOD, f"good/{'m' * len(stored)}/1.png": encoded(picture(9), "PNG")})
        data = plain.replace(b"m" * len(stored) + b"/", stored + b"/")
        yield Hostile("zip with odd names", f"not UTF-8 {stored!r}.zip", data, True, KEEPS)
        flagged = bytearray(data)
        last = data.rindex(b"PK\x01\x02")
        flagged[last + 9] |= 0x08  # says that the name is UTF-8, which it may not be
        yield Hostile("zip with odd names", f"flag of UTF-8 {stored!r}.zip", bytes(flagged), True, KEEPS)
    yield from _unicode_paths()


def _unicode_paths() -> Iterator[Hostile]:
    """Names in the Unicode Path field 0x7075: version, what is added to the checksum, and the path."""
    kinds = {
        "fits": (1, 0, b"good/\xc3\xa9/1.png"),
        "of another name": (1, 1, b"good/other/1.png"),
        "another version": (2, 0, b"good/other/1.png"),
        "empty": (1, 0, b""),
        "leads out": (1, 0, b"../../outside.png"),
        "not UTF-8": (1, 0, b"good/\xff\xfe/1.png"),
        "controls": (1, 0, b"good/\x00\x1b[31m/1.png"),
        "same as another": (1, 0, b"good/apple/1.png"),
        "far too long": (1, 0, b"good/" + b"n" * 2_000 + b"/1.png"),
    }
    for name, (version, shift, path) in kinds.items():
        info = zipfile.ZipInfo("good/kiwi/1.png")
        checksum = (zlib.crc32(info.filename.encode()) + shift) % 2**32
        info.extra = struct.pack("<HHBL", 0x7075, 5 + len(path), version, checksum) + path
        buffer = io.BytesIO(zipped(GOOD))
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(info, encoded(picture(11), "PNG"))
        yield Hostile("zip with odd names", f"Unicode Path {name}.zip", buffer.getvalue(), True, KEEPS)


def _entries() -> Iterator[Hostile]:
    one = encoded(picture(3), "PNG")
    inner = zipped({"x/1.png": one, "y/1.png": one})
    yield Hostile("zip in a zip", "nested.zip", zipped({**GOOD, "inner.zip": inner}), True, KEEPS)
    yield Hostile("zip in a zip", "zip as png.zip", zipped({**GOOD, "good/kiwi/1.png": inner}), True, KEEPS)
    encrypted = bytearray(zipped({**GOOD, "good/kiwi/1.png": one}))
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    yield Hostile("encrypted zip", "one encrypted.zip", bytes(encrypted), True, KEEPS)
    link = zipfile.ZipInfo("good/kiwi/1.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    device = zipfile.ZipInfo("good/kiwi/2.png")
    device.external_attr = (stat.S_IFCHR | 0o666) << 16
    buffer = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr(device, one)
    yield Hostile("zip with links", "links.zip", buffer.getvalue(), True, KEEPS)
    buffer = io.BytesIO(zipped(GOOD))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")
        for name in ("good/apple/1.png", "good//apple/1.png", "good/./apple/1.png"):
            archive.writestr(name, one)
    yield Hostile("zip with a name twice", "twice.zip", buffer.getvalue(), True, KEEPS)
    for method, name in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        buffer = io.BytesIO(zipped(GOOD))
        with zipfile.ZipFile(buffer, "a", method) as archive:
            archive.writestr("good/kiwi/1.png", one * 20)
        yield Hostile("zip with an unusual method", f"{name}.zip", buffer.getvalue(), True, KEEPS)
    bad_members = {"cut": one[:90], "text": b"no picture", "empty": b"", "huge": png(30_000, 30_000)}
    bad_members["passes"] = jpeg_of_many_passes()
    for name, content in bad_members.items():
        data = zipped({**GOOD, "good/kiwi/1.png": content})
        yield Hostile("zip with a bad picture", f"{name}.zip", data, True, KEEPS)


def _bombs() -> Iterator[Hostile]:
    zeros = zipped({**GOOD, "good/kiwi/1.png": bytes(60 * 2**20)}, zipfile.ZIP_DEFLATED)
    yield Hostile("zip bomb", "ratio.zip", zeros, True, KEEPS)
    for stated in (0, 10, 2**20, 2**32 - 1):
        lying = bytearray(zeros)
        for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
            place = lying.rindex(mark) + offset
            lying[place : place + 4] = struct.pack("<I", stated)
        yield Hostile("zip bomb", f"size said to be {stated}.zip", bytes(lying))
    # Many entries that share one packed content, as in Fifield's overlapping bomb.
    yield Hostile("zip bomb", "overlapping.zip", copies_of_one(bytes(2**20), 5_000))
    many = bytearray(zipped(GOOD))
    many[-10:-6] = struct.pack("<I", 2**31)
    yield Hostile("zip bomb", "endless directory.zip", bytes(many), False)
    entries = {f"c{number % 7}/{number}.png": b"" for number in range(20_000)}
    yield Hostile("zip bomb", "20000 empty files.zip", zipped({**GOOD, **entries}), True, KEEPS)


def list_of_files(n_files: int, extra: bytes = b"") -> bytes:
    """A zip that is nothing but a list of files, with the records of one of more than 65,535."""
    lengths = (1, len(extra), 0)
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, *[0] * 7, *lengths, *[0] * 4)
    directory = (entry + b"a" + extra) * n_files
    sizes = (n_files, n_files, len(directory), 0)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, *sizes)
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(directory), 1)
    last = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return directory + end64 + locator + last


def copies_of_one(content: bytes, n_copies: int) -> bytes:
    """A zip whose list names one packed file many times."""
    whole = zipped({**GOOD, "good/kiwi/1.png": content}, zipfile.ZIP_DEFLATED)
    start, end = whole.index(b"PK\x01\x02"), whole.rindex(b"PK\x05\x06")
    last = whole[whole.rindex(b"PK\x01\x02") : end]
    copies = b"".join(last.replace(b"kiwi", b"%04d" % number) for number in range(n_copies))
    directory = whole[start:end] + copies
    count = 3 + n_copies
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return whole[:start] + directory + tail


def _floods() -> Iterator[Hostile]:
    floods = {
        "a million files": list_of_files(1_000_000),
        "150,000 files": list_of_files(150_000),
        "pieces of extra fields": list_of_files(300, struct.pack("<HH", 0x9999, 0) * 16_000),
        "deep paths": zipped({"a/" * 500 + f"{n}.png": b"" for n in range(2_500)}),
        "grows to 2 GB": copies_of_one(random.Random(0).randbytes(300_000) + bytes(48 * 2**20), 40),
    }
    for name, data in floods.items():
        yield Hostile("zip that costs before it is unpacked", f"{name}.zip", data, False)
    long = {f"good/{n:05}{'/a' * 25_000}/1.png": b"" for n in range(15)}
    yield Hostile(
        "zip that costs before it is unpacked", "long paths.zip", zipped({**GOOD, **long}), True, KEEPS
    )
    marks = "\u0301\u0327" * 500  # composing them in order takes the square of their number
    marked = {f"good/{n:04}{marks}.png": b"" for n in range(3_000)}
    yield Hostile(
        "zip that costs before it is unpacked", "marked names.zip", zipped({**GOOD, **marked}), True, KEEPS
    )
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    padding = b"\0\0\0\xff\xff" * (2 * 2**20) + packer.compress(b"x") + packer.flush()
    padded = zipped({**GOOD, "good/kiwi/1.png": padding})
    place = padded.rindex(b"PK\x01\x02")
    name = b"good/kiwi/1.png"
    local = padded.index(b"PK\x03\x04", padded.index(name) - 30)
    data = bytearray(padded)
    for start, method, crc, size in ((local, 8, 14, 22), (place, 10, 16, 24)):
        data[start + method : start + method + 2] = struct.pack("<H", zipfile.ZIP_DEFLATED)
        data[start + crc : start + crc + 4] = struct.pack("<I", zlib.crc32(b"x"))
        data[start + size : start + size + 4] = struct.pack("<I", 1)
    yield Hostile("zip that costs before it is unpacked", "padding.zip", bytes(data), True, KEEPS)


def _no_archives() -> Iterator[Hostile]:
    contents = {
        "empty.zip": b"",
        "text.zip": b"no zip at all",
        "picture.zip": encoded(picture(), "PNG"),
        "signature.zip": b"PK\x03\x04",
        "end alone.zip": b"PK\x05\x06",
        "end with lies.zip": b"PK\x05\x06" + b"\xff" * 18,
        "rar.zip": b"Rar!\x1a\x07\x00" + bytes(100),
        "zeros.zip": bytes(100_000),
    }
    for name, data in contents.items():
        yield Hostile("no zip", name, data, False)
    yield Hostile("zip with nothing to use", "no files.zip", b"PK\x05\x06" + bytes(18), True)
    yield Hostile("zip with nothing to use", "texts.zip", zipped({"a/readme.txt": b"x", "b.csv": b"y"}), True)
    yield Hostile("zip with nothing to use", "one class.zip", zipped({"a/1.png": GOOD[KEEPS[0]]}), True)
