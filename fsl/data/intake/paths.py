"""Paths of files that users bring: which are images, and how they are shown."""

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
# Controls, surrogates and separators are invisible; direction marks could reverse the text around them.
_UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION_MARKS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UTF8_FLAG = 0x800


class PathUse(Enum):
    """What to do with a file, judging by its path."""

    USE = "use"
    IGNORE = "ignore"
    REFUSE = "refuse"


def use_of_path(path: str) -> tuple[PathUse, str | None]:
    """Return what to do with a file, and the reason as a clause if it is refused.

    Hidden files, files that macOS and Windows leave in folders, and texts (.txt, .csv, .json, .md) are
    ignored. A backslash counts as ``/``, as in zips made on Windows.
    """
    plain = path.replace("\\", "/")
    parts = plain.split("/")
    if plain.startswith("/") or ".." in parts or _DRIVE.match(plain):
        return PathUse.REFUSE, "its path leads out of the folder"
    last = parts[-1].lower()
    if last == "" or last.startswith(".") or last in _IGNORED_FILES:
        return PathUse.IGNORE, None
    if any(is_ignored_folder(part) for part in parts[:-1]):
        return PathUse.IGNORE, None
    suffix = os.path.splitext(last)[1]  # noqa: PTH122 - a stored name, not a path of this machine
    if suffix in IMAGE_SUFFIXES:
        return PathUse.USE, None
    if suffix in _IGNORED_SUFFIXES:
        return PathUse.IGNORE, None
    if suffix in _ARCHIVE_SUFFIXES:
        return PathUse.REFUSE, "is an archive among the files; add it by itself"
    if suffix in _HEIC_SUFFIXES:
        return PathUse.REFUSE, "is a HEIC photo; save it as JPEG first"
    return PathUse.REFUSE, f"is not an image file ({ACCEPTED_FORMATS} are read)"


def is_ignored_folder(name: str) -> bool:
    """Return whether a folder is ignored with all its content: hidden folders, and those that macOS adds."""
    return (name.startswith(".") and name != ".") or name.lower() in _IGNORED_FOLDERS


def display_path(path: str) -> str:
    """Return a path for the screen: ``/`` between the parts, no empty part, no invisible character."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return display_text("/".join(parts)) or "(no name)"


def display_text(text: str) -> str:
    """Return text with composed accents, in which U+FFFD replaces invisible characters and non-characters."""
    if text.isascii() and text.isprintable():
        return text  # most names: a zip may hold a hundred thousand of them
    composed = unicodedata.normalize("NFC", text)
    return "".join("\ufffd" if _unshowable(character) else character for character in composed)


def folder_name_text(path: str) -> str:
    """Return a path of the file system as text; bytes that are not UTF-8 are read as Latin-1."""
    raw = os.fsencode(path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def zip_name_text(info: zipfile.ZipInfo) -> str:
    """Return the full stored name of a zip entry as text.

    Many programs store UTF-8 without marking it, and ``zipfile`` reads such names in the DOS character set.
    """
    stored = info.orig_filename
    if info.flag_bits & _UTF8_FLAG or stored.isascii():
        return stored
    try:
        return stored.encode("cp437").decode("utf-8")
    except UnicodeError:
        return stored


def _unshowable(character: str) -> bool:
    return unicodedata.category(character) in _UNSHOWABLE or character in _DIRECTION_MARKS
