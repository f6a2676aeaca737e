"""Finding images in folders, in zips and among dropped files, without decoding any.

Nothing is ever unpacked to disk. What cannot be used is reported as a :class:`Problem` that names it, and the
rest is kept; only a folder or an archive that is useless as a whole raises
:class:`~fsl.base.errors.DataError`.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fsl.base.errors import DataError, ImageReadError
from fsl.data.images.decode import DEFAULT_LIMITS
from fsl.data.intake.layout import class_of_paths, natural_key
from fsl.data.intake.paths import (
    PathVerdict,
    display_path,
    folder_name_text,
    is_ignored_folder,
    judge_path,
    zip_name_text,
)

_MAX_FILE_BYTES = DEFAULT_LIMITS.max_bytes
# Below this size a great compression ratio harms nobody, and blank 1-bit pictures do compress 1000 to 1.
_RATIO_MATTERS_FROM_BYTES = 2**20
# Room in a zip's directory for each entry's name and times; bounds the directory before it is read.
_DIRECTORY_BYTES_PER_ENTRY = 320
_READABLE_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

NO_PICTURES = "has no pictures in it"
"""The reason given for an empty folder, which as a class would otherwise vanish without a word."""


@dataclass(frozen=True)
class ImageEntry:
    """One image file that was found.

    Attributes:
        class_name: its class, or None when it lies in no class folder.
        name: its path as shown to the user, with ``/`` between the parts.
        read: gives the file's bytes; safe from any thread; raises ImageReadError.
    """

    class_name: str | None
    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Problem:
    """One thing that could not be used: its name, and why as a clause. ``str()`` gives "name: reason"."""

    name: str
    reason: str

    def __str__(self) -> str:
        """The line to show: "name: reason"."""
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True)
class Listing:
    """The images found, in natural order of their names, and what could not be used."""

    entries: tuple[ImageEntry, ...]
    problems: tuple[Problem, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes of the entries, sorted naturally ("s2" before "s10")."""
        names = {entry.class_name for entry in self.entries if entry.class_name is not None}
        return tuple(sorted(names, key=natural_key))

    @property
    def in_classes(self) -> tuple[ImageEntry, ...]:
        """The entries that lie in a class folder."""
        return tuple(entry for entry in self.entries if entry.class_name is not None)


@dataclass(frozen=True)
class ImportLimits:
    """What a zip may hold.

    Attributes:
        max_entries: files and folders.
        max_unpacked_bytes: all images together, unpacked.
        max_ratio: unpacked to packed size of one file, counted for files above 1 MB only.
    """

    max_entries: int = 100_000
    max_unpacked_bytes: int = 2 * 2**30
    max_ratio: float = 200.0


DEFAULT_IMPORT_LIMITS = ImportLimits()


@dataclass(frozen=True)
class _Found:
    """A file before it is judged: its path as stored (made readable), its reader, and an objection if any.

    The path of a folder ends with ``/``.
    """

    path: str
    read: Callable[[], bytes]
    objection: str | None = None


def list_images(path: Path, part: str | None = None) -> Listing:
    """The images in a folder or in a zip file; see :func:`list_folder` and :func:`list_zip`.

    Raises:
        DataError: there is nothing at ``path``, or it is neither.
    """
    if path.is_dir():
        return list_folder(path, part)
    return list_zip(path, part=part)


def list_folder(path: Path, part: str | None = None) -> Listing:
    """The images below a folder, each with its class (see :func:`fsl.data.intake.layout.class_of_paths`).

    Links that lead out of the folder, and links to folders, are not followed.

    Raises:
        DataError: no such folder, or it has no part named ``part``.
    """
    if not path.is_dir():
        raise DataError(f"{path}: there is no such folder.")
    return _listing(_walk(path), part)


def list_files(files: Sequence[tuple[str, bytes]], part: str | None = None) -> Listing:
    """The images among files that were dropped, given as relative path and content.

    Raises:
        DataError: there is no part named ``part``.
    """
    return _listing((_Found(path, partial(_same, data)) for path, data in files), part)


def list_zip(
    source: Path | bytes,
    name: str | None = None,
    limits: ImportLimits = DEFAULT_IMPORT_LIMITS,
    part: str | None = None,
) -> Listing:
    """The images in a zip, read from it only when an entry's ``read`` is called, one at a time and in memory.

    Paths that lead out of the archive, links, encrypted files, archives inside, and files larger than any
    image may be are refused one by one. No more is ever unpacked of a file than the size it states, whatever
    it really holds.

    Args:
        source: the file, or its bytes.
        name: what to call the archive in messages; by default the file's name.
        limits: see :class:`ImportLimits`.
        part: see :func:`fsl.data.intake.layout.class_of_paths`.

    Raises:
        DataError: not a zip, damaged as a whole, over a limit as a whole, or without the part.
    """
    title = name or (source.name if isinstance(source, Path) else "the zip")
    archive = _open_zip(source, title, limits)
    infos = archive.infolist()
    found = [_Found(zip_name_text(info), *_zip_reader(archive, info, limits)) for info in infos]
    wanted = [item.objection is None and judge_path(item.path)[0] is PathVerdict.USE for item in found]
    total = sum(info.file_size for info, is_wanted in zip(infos, wanted, strict=True) if is_wanted)
    if total > limits.max_unpacked_bytes:
        raise DataError(
            f"{title}: unpacked it would have {total / 2**20:,.0f} MB; "
            f"at most {limits.max_unpacked_bytes / 2**20:,.0f} MB are accepted. Split it into several zips."
        )
    return _listing(found, part)


def _listing(found: Iterable[_Found], part: str | None) -> Listing:
    """Judges every path, finds the classes and puts all in natural order."""
    readers: dict[str, Callable[[], bytes]] = {}
    problems: list[Problem] = []
    passed_over: set[str] = set()
    for item in found:
        verdict, reason = judge_path(item.path)
        if verdict is PathVerdict.IGNORE:
            passed_over.add(_folder_of(item.path))
            continue
        shown = display_path(item.path)
        objection = item.objection or reason
        if objection is None and shown in readers:
            objection = "this name appears twice; the first file is used"
        if objection is None:
            readers[shown] = item.read
        else:
            problems.append(Problem(shown, objection))
    classes = class_of_paths(readers, part)
    if part is None:
        outside = "is in neither Training nor Test, so it is left out"
        problems += [Problem(shown, outside) for shown in readers if shown not in classes]
    told = {*readers, *(problem.name for problem in problems)}
    problems += [
        Problem(folder, NO_PICTURES)
        for folder in _empty_folders(passed_over, told)
        if part is None or part.casefold() in folder.casefold().split("/")
    ]
    ordered = sorted(classes.items(), key=lambda item: natural_key(item[0]))
    entries = tuple(ImageEntry(class_name, shown, readers[shown]) for shown, class_name in ordered)
    return Listing(entries, tuple(problems))


def _folder_of(path: str) -> str:
    """The folder of a stored path, as shown; a path that ends with a slash is one itself. "" for the top."""
    folder = path.replace("\\", "/").rpartition("/")[0]
    return display_path(folder) if folder.strip("./") else ""


def _empty_folders(passed_over: set[str], told: set[str]) -> list[str]:
    """The innermost folders with nothing in them but what is passed over, in natural order.

    Args:
        passed_over: folders that are there, and folders of files that are passed over; as shown.
        told: paths of what is used or refused.
    """
    filled = {folder for path in told for folder in _folders_above(path)}
    bare = passed_over - {"", *filled, *told}
    around = {folder for path in bare for folder in _folders_above(path)}
    hidden = {path for path in bare if any(is_ignored_folder(part) for part in path.split("/"))}
    return sorted(bare - around - hidden, key=natural_key)


def _folders_above(path: str) -> list[str]:
    """ "a/b/c" lies in "a/b" and in "a"."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _same(data: bytes) -> bytes:
    return data


# --- folders


def _walk(root: Path) -> Iterable[_Found]:
    home, nothing = root.resolve(), partial(_same, b"")
    closed: list[OSError] = []
    for folder, subfolders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        subfolders[:] = [name for name in subfolders if not is_ignored_folder(name)]
        for name in files:
            yield _folder_file(root, home, here / name)
        for name in subfolders:
            shown = _relative(root, here / name)
            if (here / name).is_symlink():
                yield _Found(shown, nothing, "is a link to a folder, which is not followed")
            else:
                yield _Found(f"{shown}/", nothing)
    for error in closed:
        reason = f"is a folder that cannot be opened ({(error.strerror or 'unknown reason').lower()})"
        yield _Found(_relative(root, Path(error.filename)), nothing, reason)


def _folder_file(root: Path, home: Path, path: Path) -> _Found:
    shown = _relative(root, path)
    objection = None
    if path.is_symlink() and not path.resolve().is_relative_to(home):
        objection = "is a link that leads out of the folder"
    elif not path.is_file():
        objection = "is not a plain file"
    return _Found(shown, partial(read_file, path, shown), objection)


def _relative(root: Path, path: Path) -> str:
    return folder_name_text(path.relative_to(root).as_posix())


def read_file(path: Path, shown: str) -> bytes:
    """A file's bytes, unless it is no plain file or larger than any image may be.

    Args:
        path: the file.
        shown: what to call it in messages.

    Raises:
        ImageReadError: it cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise ImageReadError(shown, "this is not a plain file")
        with path.open("rb") as file:
            _check_size(os.fstat(file.fileno()).st_size, shown)
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise ImageReadError(shown, f"the file cannot be opened ({reason.lower()})") from error


def _check_size(size: int, shown: str) -> None:
    if size > _MAX_FILE_BYTES:
        raise ImageReadError(shown, _too_large(size))


def _too_large(size: int) -> str:
    return f"the file has {size / 2**20:,.0f} MB; at most {_MAX_FILE_BYTES / 2**20:,.0f} MB are accepted"


# --- zips


def _open_zip(source: Path | bytes, title: str, limits: ImportLimits) -> zipfile.ZipFile:
    """The archive, open: one handle, shared by all reads (``zipfile`` locks it) until the last entry goes."""
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
    """The size that a zip's last record gives for its list of files; 0 where there is none."""
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
    """How to read one entry, and why not to."""
    return partial(_read_member, archive, info, display_path(zip_name_text(info))), _objection(info, limits)


def _objection(info: zipfile.ZipInfo, limits: ImportLimits) -> str | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link, which is not followed"
    if info.flag_bits & 0x1:
        return "is encrypted; make the zip without a password"
    if info.compress_type not in _READABLE_METHODS:
        return "is packed in an unusual way; make the zip with the ordinary method (deflate)"
    if info.file_size > _MAX_FILE_BYTES:
        return _too_large(info.file_size)
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _RATIO_MATTERS_FROM_BYTES and ratio > limits.max_ratio:
        return f"unpacks to {ratio:,.0f} times its size, which no photo does"
    return None


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str) -> bytes:
    """One entry's bytes; ``zipfile`` gives no more than the size the entry states, which was checked."""
    try:
        with archive.open(info) as member:
            return member.read(min(info.file_size, _MAX_FILE_BYTES) + 1)
    except Exception as error:  # zipfile and zlib raise nearly anything on a damaged entry
        raise ImageReadError(shown, "this part of the zip is damaged") from error
