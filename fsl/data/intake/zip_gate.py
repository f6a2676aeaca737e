"""The one gate that every zip from outside passes: pictures, projects, runs and recorded arrays.

Its list of files is measured before it is read, and all unpacked sizes are added up before anything is
unpacked. What remains is a :class:`zipfile.ZipFile` that costs little to hold and to search.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError
from fsl.base.files import open_plain
from fsl.data.images.bounds import DEFAULT_LIMITS
from fsl.data.intake.paths import HEAD_BYTES

# A small file does no harm however far it expands, and blank 1-bit pictures do compress 1000 to 1.
_RATIO_MATTERS_FROM_BYTES = 2**20
# Bytes in a zip's directory per entry, for its name and times; bounds the directory before it is read.
_DIRECTORY_BYTES_PER_ENTRY = 320
# Deflate adds 5 bytes to each 16 KB that it cannot compress. Padding with empty blocks has no such bound.
_LARGEST_PACKING = 1.01, 1024
_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY = struct.Struct("<4s4xH18x3H12x")  # signature, flags; length of name, extra field and comment
_FLAGS_AT = 8
UTF8_FLAG = 0x800
"""Of an entry whose name is in UTF-8."""
_ENTRY_MARK = b"PK\x01\x02"
ZIP_MARK = b"PK\x03\x04"
"""How a zip begins."""
# zipfile searches an extra field piece by piece, in a time that grows with the square of its length.
_MOST_EXTRA_BYTES = 2048
# Each folder of each path is taken apart: ten on the average, in a zip with as many files as are accepted.
_MOST_SEPARATORS = 1_000_000
# Before the list of files, zipfile reads only the last record: 22 bytes and a comment of up to 64 KB.
_LARGEST_LAST_RECORD = 2**16 + 22


@dataclass(frozen=True)
class ImportLimits:
    """What a zip may hold.

    Attributes:
        max_entries: files and folders.
        max_unpacked_bytes: size of all images together, unpacked.
        max_ratio: unpacked to packed size of one file; applies to files above 1 MB.
        max_growth: unpacked size of all images to the size of the zip; applies above ``free_bytes``.
        free_bytes: unpacked size of all images that any zip may have.
        max_file_bytes: unpacked size of one file.
    """

    max_entries: int = 100_000
    max_unpacked_bytes: int = 2 * 2**30
    max_ratio: float = 200.0
    max_growth: float = 20.0
    free_bytes: int = 256 * 2**20
    max_file_bytes: int = DEFAULT_LIMITS.max_bytes


DEFAULT_IMPORT_LIMITS = ImportLimits()


class _Refusal(Exception):  # noqa: N818 - not an error of the program: the reason a zip is refused
    """The reason why the gate refuses a zip; :func:`open_zip` handles it."""


class _GatedFile:
    """A zip file as ``zipfile`` reads it, with a check of the list of files when that is read.

    Checking the very bytes that ``zipfile`` takes for the list leaves no room for a zip that shows two
    readers two different lists.
    """

    def __init__(self, file: io.BufferedIOBase, limits: ImportLimits) -> None:
        self._file = file
        self._limits = limits
        self.is_open = False
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int | None = -1) -> bytes:
        limits = self._limits
        if self.is_open or size is None:
            return self._file.read(size)
        if size > max(2**20, limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY):
            raise _Refusal(_too_many(limits))
        data = bytearray(self._file.read(size))
        if size > _LARGEST_LAST_RECORD or data.startswith(_ENTRY_MARK):
            _check_directory(data, limits)
        return bytes(data)


class _GatedZip(zipfile.ZipFile):
    """A zip that was let through the gate, and that closes its file as one opened by path does."""

    def __init__(self, file: io.BufferedIOBase, limits: ImportLimits) -> None:
        self._opened_file = file
        gate = _GatedFile(file, limits)
        try:
            super().__init__(gate)
        except BaseException:
            file.close()
            raise
        gate.is_open = True

    def close(self) -> None:
        super().close()
        self._opened_file.close()


def open_zip(
    source: Path | bytes, title: str, limits: ImportLimits = DEFAULT_IMPORT_LIMITS
) -> zipfile.ZipFile:
    """Open an archive, a file or its bytes, whose list of files is within the limits; unpack nothing.

    Returns:
        the archive; all its reads share one handle, which ``zipfile`` locks.

    Raises:
        DataError: it is no zip, is damaged, or lists too many files.
    """
    try:
        archive = _GatedZip(open_plain(source) if isinstance(source, Path) else io.BytesIO(source), limits)
    except _Refusal as refusal:
        raise DataError(f"{title}: {refusal}") from None
    except FileNotFoundError:
        where = source if isinstance(source, Path) else title
        raise DataError(f"{where}: there is no such file or folder.") from None
    except OSError as error:
        raise DataError(f"{title}: the file cannot be opened ({error.strerror or error}).") from error
    except Exception as error:  # zipfile raises nearly anything on a damaged archive
        raise DataError(f"{title}: this is not a zip, or it is cut off or damaged.") from error
    if len(archive.filelist) > limits.max_entries:
        raise DataError(f"{title}: {_too_many(limits)}")
    return archive


def check_room(
    infos: Iterable[zipfile.ZipInfo],
    packed_bytes: int,
    title: str,
    limits: ImportLimits = DEFAULT_IMPORT_LIMITS,
) -> int:
    """Return the unpacked size of files in bytes, as the list states it; no file unpacks to more.

    Args:
        infos: the files that are going to be unpacked.
        packed_bytes: size of the whole zip.
        title: what messages call the archive.
        limits: what the zip may hold.

    Raises:
        DataError: they would take too much room, alone or for what the zip weighs.
    """
    total = sum(info.file_size for info in infos)
    would_have = f"{title}: unpacked it would have {total / 2**20:,.0f} MB"
    if total > limits.max_unpacked_bytes:
        raise DataError(
            f"{would_have}; at most {limits.max_unpacked_bytes / 2**20:,.0f} MB are accepted. Split it into "
            "several zips."
        )
    if total > limits.free_bytes and total > limits.max_growth * packed_bytes:
        raise DataError(
            f"{would_have}, which is {total / max(1, packed_bytes):,.0f} times its size; no zip of photos "
            "grows like that. Unpack it yourself if you trust it, and use the folder."
        )
    return total


def packed_size(source: Path | bytes) -> int:
    """Return the size of a zip in bytes."""
    return source.stat().st_size if isinstance(source, Path) else len(source)


def objection(info: zipfile.ZipInfo, limits: ImportLimits = DEFAULT_IMPORT_LIMITS) -> str | None:
    """Return why a file of a zip is not unpacked, as a clause, or None if nothing is wrong with it."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, which is not followed"
    if info.flag_bits & 0x1:
        return "is encrypted; make the zip without a password"
    if info.compress_type not in _READABLE_METHODS:
        return "is packed in an unusual way; make the zip with the ordinary method (deflate)"
    if info.file_size > limits.max_file_bytes:
        return too_large(info.file_size, limits.max_file_bytes)
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _RATIO_MATTERS_FROM_BYTES and ratio > limits.max_ratio:
        return f"unpacks to {ratio:,.0f} times its size, which no photo does"
    return None


def too_large(n_bytes: int, most: int = DEFAULT_LIMITS.max_bytes) -> str:
    """Return the objection to a file that is larger than ``most`` bytes."""
    return f"the file has {n_bytes / 2**20:,.0f} MB; at most {most / 2**20:,.0f} MB are accepted"


def read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str) -> bytes:
    """Unpack one file to which there is no :func:`objection`; any thread may call this.

    ``zipfile`` gives no more than the stated size, which was checked.

    Raises:
        ImageReadError: this part of the zip is damaged.
    """
    factor, slack = _LARGEST_PACKING
    if info.compress_size > factor * info.file_size + slack:
        raise ImageReadError(shown, "this part of the zip is damaged")
    try:
        with archive.open(info) as member:
            return member.read(info.file_size + 1)
    except Exception as error:  # zipfile and zlib raise nearly anything on a damaged entry
        raise ImageReadError(shown, "this part of the zip is damaged") from error


def read_head(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack enough of a file's start to recognise its format; b"" if that part is damaged."""
    try:
        with archive.open(info) as member:
            return member.read(min(HEAD_BYTES, info.file_size))
    except Exception:  # noqa: BLE001 - as above; reading the file says what is wrong
        return b""


def _too_many(limits: ImportLimits) -> str:
    return f"the zip has more than {limits.max_entries:,} files. Split it into several zips."


def _check_directory(directory: bytearray, limits: ImportLimits) -> None:
    """Refuse a list of files with too many of them, or with entries that take long to read.

    Where a name is not in UTF-8 though its entry says so, the entry says so no longer: ``zipfile`` would
    refuse the whole zip.
    """
    if directory.count(b"/") + directory.count(b"\\") > _MOST_SEPARATORS:
        raise _Refusal("its folders are nested far too deep. Make the zip again.")
    place, n_entries = 0, 0
    while place + _ENTRY.size <= len(directory):
        mark, flags, name, extra, comment = _ENTRY.unpack_from(directory, place)
        if mark != _ENTRY_MARK:
            return  # zipfile stops here, too, and says that it is damaged
        n_entries += 1
        if n_entries > limits.max_entries:
            raise _Refusal(_too_many(limits))
        if extra > _MOST_EXTRA_BYTES and len(directory) > _LARGEST_LAST_RECORD:
            raise _Refusal("its list of files is filled up with other data. Make the zip again.")
        if flags & UTF8_FLAG and not _is_utf8(directory[place + _ENTRY.size : place + _ENTRY.size + name]):
            struct.pack_into("<H", directory, place + _FLAGS_AT, flags & ~UTF8_FLAG)
        place += _ENTRY.size + name + extra + comment


def _is_utf8(name: bytearray) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
