"""Find the images in a zip; nothing is ever unpacked to disk."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path

from fsl.data.intake.listing import FoundFile, Listing, make_listing
from fsl.data.intake.paths import PathUse, display_path, use_of_path, zip_name_text
from fsl.data.intake.zip_gate import (
    DEFAULT_IMPORT_LIMITS,
    ImportLimits,
    check_room,
    objection,
    open_zip,
    packed_size,
    read_member,
)

# Windows and macOS have paths of up to 1,024 characters.
_LONGEST_PATH = 1_024
_TOO_LONG = "has a path that is far too long"


def list_zip(
    source: Path | bytes,
    name: str | None = None,
    limits: ImportLimits = DEFAULT_IMPORT_LIMITS,
    part: str | None = None,
) -> Listing:
    """List the images in a zip; an entry's ``read`` unpacks that one file, in memory.

    Paths that lead out of the archive, links, encrypted files, archives inside, and files larger than an
    image may be are refused one by one. A file never unpacks to more than the size that it states.

    Args:
        source: the file, or its bytes.
        name: what messages call the archive; by default the file's name.
        limits: what the zip may hold.
        part: one part of a data set that is split; None for everything.

    Raises:
        DataError: it is not a zip, is damaged or over a limit as a whole, or has no such part.
    """
    title = name or (source.name if isinstance(source, Path) else "the zip")
    archive = open_zip(source, title, limits)
    infos = archive.infolist()
    found = [_found_file(archive, info, limits) for info in infos]
    if sum(info.file_size for info in infos) > min(limits.free_bytes, limits.max_unpacked_bytes):
        is_used = [item.objection is None and use_of_path(item.path)[0] is PathUse.USE for item in found]
        used = (info for info, use in zip(infos, is_used, strict=True) if use)
        check_room(used, packed_size(source), title, limits)
    return make_listing(found, part)


def _found_file(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ImportLimits) -> FoundFile:
    path = zip_name_text(info)
    if len(path) > _LONGEST_PATH:
        return FoundFile(f"{path[:60]} … {path[-60:]}", partial(_read, archive, info, path), _TOO_LONG)
    return FoundFile(path, partial(_read, archive, info, path), objection(info, limits))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> bytes:
    return read_member(archive, info, display_path(path))
