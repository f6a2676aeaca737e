"""Judging and showing the paths of files that come from outside."""

from __future__ import annotations

import os
import re
import unicodedata
import zipfile
from enum import Enum

from fsl.data.images.signatures import ACCEPTED_FORMATS, IMAGE_SUFFIXES

_IGNORED_FOLDERS = frozenset({"__macosx"})
_IGNORED_FILES = frozenset({"thumbs.db", "desktop.ini"})
_IGNORED_SUFFIXES = frozenset({".txt", ".csv", ".json", ".md"})
_ARCHIVE_SUFFIXES = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"})
_HEIC_SUFFIXES = frozenset({".heic", ".heif"})
_DRIVE = re.compile(r"[A-Za-z]:")
# Characters that are invisible or could turn the text around them: controls, surrogates, separators, and the
# direction marks among the formats.
_UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION_MARKS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UTF8_FLAG = 0x800


class PathVerdict(Enum):
    """What to do with a file, going by its path."""

    USE = "use"
    IGNORE = "ignore"
    REFUSE = "refuse"


def judge_path(path: str) -> tuple[PathVerdict, str | None]:
    """Whether a file of this path is taken for an image, and, when it is refused, the reason as a clause.

    Hidden files, what macOS and Windows leave in folders, and texts (.txt, .csv, .json, .md) are ignored. A
    backslash counts as ``/``, as in zips made on Windows.
    """
    plain = path.replace("\\", "/")
    parts = plain.split("/")
    if plain.startswith("/") or ".." in parts or _DRIVE.match(plain):
        return PathVerdict.REFUSE, "its path leads out of the folder"
    last = parts[-1].lower()
    if last == "" or last.startswith(".") or last in _IGNORED_FILES:
        return PathVerdict.IGNORE, None
    if any(is_ignored_folder(part) for part in parts[:-1]):
        return PathVerdict.IGNORE, None
    suffix = os.path.splitext(last)[1]  # noqa: PTH122 - a stored name, not a path of this machine
    if suffix in IMAGE_SUFFIXES:
        return PathVerdict.USE, None
    if suffix in _IGNORED_SUFFIXES:
        return PathVerdict.IGNORE, None
    if suffix in _ARCHIVE_SUFFIXES:
        return PathVerdict.REFUSE, "is an archive among the files; add it by itself"
    if suffix in _HEIC_SUFFIXES:
        return PathVerdict.REFUSE, "is a HEIC photo; save it as JPEG first"
    return PathVerdict.REFUSE, f"is not an image file ({ACCEPTED_FORMATS} are read)"


def is_ignored_folder(name: str) -> bool:
    """Whether everything in a folder of this name is passed over: hidden ones and those that macOS adds."""
    return (name.startswith(".") and name != ".") or name.lower() in _IGNORED_FOLDERS


def display_path(path: str) -> str:
    """The path as shown: ``/`` between the parts, none empty or ".", accents composed, nothing invisible."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return display_text("/".join(parts)) or "(no name)"


def display_text(text: str) -> str:
    """Text from outside with its accents composed and nothing in it that is invisible or no character."""
    composed = unicodedata.normalize("NFC", text)
    return "".join("\ufffd" if _unshowable(character) else character for character in composed)


def folder_name_text(path: str) -> str:
    """A path from the file system as text; bytes that are not UTF-8 are read as Latin-1."""
    raw = os.fsencode(path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def zip_name_text(info: zipfile.ZipInfo) -> str:
    """A zip entry's full stored name as text.

    Many programs store UTF-8 without saying so, which ``zipfile`` then reads as the DOS character set.
    """
    stored = info.orig_filename
    if info.flag_bits & _UTF8_FLAG:
        return stored
    try:
        return stored.encode("cp437").decode("utf-8")
    except UnicodeError:
        return stored


def _unshowable(character: str) -> bool:
    return unicodedata.category(character) in _UNSHOWABLE or character in _DIRECTION_MARKS
