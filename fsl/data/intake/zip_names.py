"""The names of the files in a zip as text, from all the places where zips keep them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence

from fsl.data.intake.old_names import CHARACTER_SETS, decode_names
from fsl.data.intake.zip_gate import UTF8_FLAG

_UNICODE_PATH = 0x7075


def zip_names(infos: Sequence[zipfile.ZipInfo], title: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the full stored names of the entries of a zip, and what to tell the user about them.

    A name is taken from the Unicode Path field of 7-Zip, WinZip and Info-ZIP if its checksum fits, and is
    else in UTF-8, which many programs store without marking it. What is neither is in an old character set.
    """
    found = [_certain_name(info) for info in infos]
    texts, charset = _texts([name for name in found if isinstance(name, bytes)])
    rest = iter(texts)
    names = [next(rest) if isinstance(name, bytes) else name for name in found]
    if not charset:
        return names, ()
    note = (
        f"The names in {title} are in an old character set and were read as {CHARACTER_SETS[charset]}. If "
        "they are wrong, make the zip again with names in UTF-8 (7-Zip: -mcu=on)."
    )
    return names, (note,)


def _raw(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & UTF8_FLAG else "cp437", "surrogateescape")


def _certain_name(info: zipfile.ZipInfo) -> str | bytes:
    """Return the name if the zip tells its character set, or any set gives the same; else as it is stored."""
    if not info.extra and info.orig_filename.isascii():
        return info.orig_filename
    raw = _raw(info)
    stated = _unicode_path(info.extra, raw)
    if stated:
        return stated
    if info.flag_bits & UTF8_FLAG:
        return info.orig_filename
    return raw.decode("ascii") if raw.isascii() else raw


def _texts(raw: Sequence[bytes]) -> tuple[list[str], str]:
    """Return names as text, and the character set if it is an old one; a name or two may look like UTF-8."""
    try:
        return [name.decode("utf-8") for name in raw], ""
    except UnicodeDecodeError:
        return decode_names(raw)


def _unicode_path(extra: bytes, raw: bytes) -> str:
    """Return the name in the Unicode Path field, "" if there is none or it is of another name."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        field = extra[place + 4 : place + 4 + length]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            (checksum,) = struct.unpack_from("<L", field, 1)
            try:
                return field[5:].decode("utf-8") if checksum == zlib.crc32(raw) else ""
            except UnicodeDecodeError:
                return ""
        place += 4 + length
    return ""
