"""Find the images in a zip; nothing is ever unpacked to disk."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fsl.base.memory import without_collection
from fsl.data.intake.listing import FoundFile, Listing, make_listing
from fsl.data.intake.paths import display_path
from fsl.data.intake.zip_gate import (
    DEFAULT_IMPORT_LIMITS,
    ImportLimits,
    check_room,
    objection,
    open_zip,
    packed_size,
    read_head,
    read_member,
)
from fsl.data.intake.zip_names import zip_names

# Windows and macOS have paths of up to 1,024 characters.
_LONGEST_PATH = 1_024
_TOO_LONG = "has a path that is far too long"


@dataclass(frozen=True, slots=True)  # a zip may hold a hundred thousand files
class MemberReader:
    """Unpacks one file of a zip when it is called.

    Attributes:
        archive: the open zip.
        info: what it says about the file.
        path: of the file in the zip, decoded to text.
    """

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    path: str

    def __call__(self) -> bytes:
        """Return the bytes of the file; see :func:`fsl.data.intake.zip_gate.read_member`."""
        return read_member(self.archive, self.info, display_path(self.path))

    def version(self) -> tuple[int, int]:
        """Return the checksum and the size of the file, as the zip states them."""
        return self.info.CRC, self.info.file_size


def list_zip(
    source: Path | bytes,
    name: str | None = None,
    limits: ImportLimits = DEFAULT_IMPORT_LIMITS,
    part: str = "",
) -> Listing:
    """List the images in a zip; an entry's ``read`` unpacks that one file, in memory.

    Paths that lead out of the archive, links, encrypted files, archives inside, and files larger than an
    image may be are refused one by one. A file never unpacks to more than the size that it states.

    Args:
        source: the file, or its bytes.
        name: what messages call the archive; by default the file's name.
        limits: what the zip may hold.
        part: one part of a data set that is split; "" for everything.

    Raises:
        DataError: it is not a zip, is damaged or over a limit as a whole, or has no such part.
    """
    title = name or (source.name if isinstance(source, Path) else "the zip")
    with without_collection():
        return _list(source, title, limits, part)


def _list(source: Path | bytes, title: str, limits: ImportLimits, part: str) -> Listing:
    archive = open_zip(source, title, limits)
    infos = archive.infolist()
    names, notes = zip_names(infos, title)
    found = [_found_file(archive, info, path, limits) for info, path in zip(infos, names, strict=True)]
    listing = make_listing(found, part, notes)
    if sum(info.file_size for info in infos) > min(limits.free_bytes, limits.max_unpacked_bytes):
        info_of = dict(zip(map(display_path, reversed(names)), reversed(infos), strict=True))
        check_room([info_of[entry.name] for entry in listing.entries], packed_size(source), title, limits)
    return listing


def _found_file(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, limits: ImportLimits
) -> FoundFile:
    if len(path) > _LONGEST_PATH:
        return FoundFile(f"{path[:60]} … {path[-60:]}", MemberReader(archive, info, path), _TOO_LONG)
    reason, peek = objection(info, limits), partial(read_head, archive, info)
    return FoundFile(path, MemberReader(archive, info, path), reason, peek)
