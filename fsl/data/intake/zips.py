"""Find the images in a zip; nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError
from fsl.data.intake.listing import MAX_FILE_BYTES, FoundFile, Listing, make_listing, too_large
from fsl.data.intake.paths import PathUse, display_path, use_of_path, zip_name_text

# A small file does no harm however far it expands, and blank 1-bit pictures do compress 1000 to 1.
_RATIO_MATTERS_FROM_BYTES = 2**20
# Bytes in a zip's directory per entry, for its name and times; bounds the directory before it is read.
_DIRECTORY_BYTES_PER_ENTRY = 320
_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class ImportLimits:
    """What a zip may hold.

    Attributes:
        max_entries: files and folders.
        max_unpacked_bytes: size of all images together, unpacked.
        max_ratio: unpacked to packed size of one file; applies to files above 1 MB.
    """

    max_entries: int = 100_000
    max_unpacked_bytes: int = 2 * 2**30
    max_ratio: float = 200.0


DEFAULT_IMPORT_LIMITS = ImportLimits()


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
        part: one part of a Fruits-360 layout; None for everything.

    Raises:
        DataError: it is not a zip, is damaged or over a limit as a whole, or has no such part.
    """
    title = name or (source.name if isinstance(source, Path) else "the zip")
    archive = _open_zip(source, title, limits)
    infos = archive.infolist()
    found = [FoundFile(zip_name_text(info), *_zip_reader(archive, info, limits)) for info in infos]
    is_used = [item.objection is None and use_of_path(item.path)[0] is PathUse.USE for item in found]
    total = sum(info.file_size for info, used in zip(infos, is_used, strict=True) if used)
    if total > limits.max_unpacked_bytes:
        raise DataError(
            f"{title}: unpacked it would have {total / 2**20:,.0f} MB; "
            f"at most {limits.max_unpacked_bytes / 2**20:,.0f} MB are accepted. Split it into several zips."
        )
    return make_listing(found, part)


def _open_zip(source: Path | bytes, title: str, limits: ImportLimits) -> zipfile.ZipFile:
    """Open the archive; all reads share this handle, which ``zipfile`` locks."""
    too_many = f"{title}: the zip has more than {limits.max_entries:,} files. Split it into several zips."
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            directory = _directory_bytes(file)
        if directory > max(2**20, limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY):
            raise DataError(too_many)
        archive = zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source))
    except DataError:
        raise
    except FileNotFoundError:
        where = source if isinstance(source, Path) else title
        raise DataError(f"{where}: there is no such file or folder.") from None
    except OSError as error:
        raise DataError(f"{title}: the file cannot be opened ({error.strerror or error}).") from error
    except Exception as error:  # zipfile raises nearly anything on a damaged archive
        raise DataError(f"{title}: this is not a zip, or it is cut off or damaged.") from error
    if len(archive.infolist()) > limits.max_entries:
        raise DataError(too_many)
    return archive


def _directory_bytes(file: io.BufferedIOBase) -> int:
    """Return the size of the list of files that a zip's last record states; 0 if it has none."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 2**16 - 200))
    tail = file.read()
    mark = b"PK\x05\x06"
    without_comment = tail[-22:-18] == mark and tail[-2:] == b"\0\0"
    end = len(tail) - 22 if without_comment else tail.rfind(mark)
    if end < 0:
        return 0
    large = tail[max(0, end - 76) : end]  # the record and the pointer of a zip with more than 65,535 files
    if large.startswith(b"PK\x06\x06"):
        return int.from_bytes(large[40:48], "little")
    return int.from_bytes(tail[end + 12 : end + 16], "little")


def _zip_reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: ImportLimits
) -> tuple[Callable[[], bytes], str | None]:
    """Return a reader of one file, and the objection to it, if any."""
    return partial(_read_member, archive, info, display_path(zip_name_text(info))), _objection(info, limits)


def _objection(info: zipfile.ZipInfo, limits: ImportLimits) -> str | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, which is not followed"
    if info.flag_bits & 0x1:
        return "is encrypted; make the zip without a password"
    if info.compress_type not in _READABLE_METHODS:
        return "is packed in an unusual way; make the zip with the ordinary method (deflate)"
    if info.file_size > MAX_FILE_BYTES:
        return too_large(info.file_size)
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _RATIO_MATTERS_FROM_BYTES and ratio > limits.max_ratio:
        return f"unpacks to {ratio:,.0f} times its size, which no photo does"
    return None


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str) -> bytes:
    """Return one file's bytes; ``zipfile`` gives no more than the stated size, which was checked."""
    try:
        with archive.open(info) as member:
            return member.read(min(info.file_size, MAX_FILE_BYTES) + 1)
    except Exception as error:  # zipfile and zlib raise nearly anything on a damaged entry
        raise ImageReadError(shown, "this part of the zip is damaged") from error
