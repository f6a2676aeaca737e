"""Paths of files that users bring: which are images, and how they are shown."""

from __future__ import annotations

import os
import re
import unicodedata
from enum import Enum
from functools import lru_cache

from fsl.data.images.signatures import ACCEPTED_FORMATS, IMAGE_SUFFIXES, find_reader, looks_like

_IGNORED_FOLDERS = frozenset({"__macosx"})
_IGNORED_FILES = frozenset({"thumbs.db", "desktop.ini"})
_IGNORED_SUFFIXES = frozenset(
    {".txt", ".csv", ".tsv", ".json", ".md", ".yaml", ".yml", ".xml", ".names", ".cache"}
)
_ARCHIVE_SUFFIXES = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"})
_DRIVE = re.compile(r"[A-Za-z]:/")  # without the slash it may be the name of a class: "N:A", "A: apples"
# Controls, surrogates and separators are invisible; direction marks could reverse the text around them.
_UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION_MARKS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST_NAME = 4_096
"""Most characters of a name of a class or file, other than a path in a zip: pages show it again and again."""
_MOST_MARKS = 30
HEAD_BYTES = 4096
"""How much of a file is looked at to tell what it is."""


class PathUse(Enum):
    """What to do with a file, judging by its path."""

    USE = "use"
    LOOK = "look"
    IGNORE = "ignore"
    REFUSE = "refuse"


def use_of_path(path: str) -> tuple[PathUse, str | None]:
    """Return what to do with a file, and the reason as a clause if it is refused.

    Hidden files, and files that macOS and Windows leave in folders, are ignored. Those without the ending of
    an image are to be looked at; see :func:`use_of_content`. A backslash counts as ``/``, as in zips made on
    Windows.
    """
    plain = path.replace("\\", "/")
    parts = plain.split("/")
    if plain.startswith("/") or ".." in parts or _DRIVE.match(plain):
        return PathUse.REFUSE, "its path leads out of the folder"
    last = parts[-1].lower()
    if last == "" or last.startswith(".") or last in _IGNORED_FILES:
        return PathUse.IGNORE, None
    if any(map(is_ignored_folder, parts[:-1])):
        return PathUse.IGNORE, None
    return (PathUse.USE if _suffix(last) in IMAGE_SUFFIXES else PathUse.LOOK), None


def use_of_content(path: str, head: bytes) -> tuple[PathUse, str | None]:
    """Return what to do with a file that is not called like an image: one is used whatever its name.

    Others are refused, but texts that lie beside images (.txt, .csv, .json, ...) are ignored.

    Args:
        path: as stored.
        head: the first ``HEAD_BYTES`` of the file.
    """
    suffix = _suffix(path.replace("\\", "/").rpartition("/")[2].lower())
    if find_reader(head) is not None:
        return PathUse.USE, None
    if suffix in _IGNORED_SUFFIXES:
        return PathUse.IGNORE, None
    if suffix in _ARCHIVE_SUFFIXES:
        return PathUse.REFUSE, "is an archive among the files; add it by itself"
    guess = looks_like(head)
    hint = f" (it looks like {guess})" if guess else ""
    return PathUse.REFUSE, f"is not an image file{hint}; {ACCEPTED_FORMATS} are read"


def _suffix(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else ""


def is_ignored_folder(name: str) -> bool:
    """Return whether a folder is ignored with all its content: hidden folders, and those that macOS adds."""
    return (name[:1] == "." and name != ".") or (name[:2] == "__" and name.lower() in _IGNORED_FOLDERS)


def display_path(path: str) -> str:
    """Return a path for the screen: ``/`` between the parts, no empty part, no invisible character."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    shown = display_text("/".join(parts)) or "(no name)"
    return path if shown == path else shown  # the same object: a listing holds one for each file


def display_text(text: str) -> str:
    """Return text with composed accents, in which U+FFFD replaces invisible characters and non-characters."""
    if text.isascii() and text.isprintable():
        return text  # most names: a zip may hold a hundred thousand of them
    composed = unicodedata.normalize("NFC", _with_few_marks(text))
    if composed.isprintable():
        return composed
    unshowable = "".join(sorted(filter(_unshowable, set(composed))))
    return re.sub(f"[{re.escape(unshowable)}]", "\ufffd", composed) if unshowable else composed


def _with_few_marks(text: str) -> str:
    """Keep at most 30 combining marks in a row: normalising more takes time that grows with the square.

    Source: the limit of 30 is that of the Stream-Safe Text Format, Unicode Standard Annex 15.
    """
    marks = set(filter(_is_mark, set(text))) if len(text) > _MOST_MARKS else set()
    if not marks:
        return text
    kept, n_marks = [], 0
    for character in text:
        n_marks = n_marks + 1 if character in marks else 0
        if n_marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


@lru_cache(maxsize=2**16)  # a zip may have millions of characters in its names, of few kinds
def _is_mark(character: str) -> bool:
    """Return whether a character is a mark on the letter before it, or consists of such marks."""
    return unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0


def folder_name_text(path: str) -> str:
    """Return a path of the file system as text; parts of it that are not UTF-8 are read as Latin-1."""
    return "/".join(map(_utf8_or_latin_1, os.fsencode(path).split(b"/")))


def _utf8_or_latin_1(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


@lru_cache(maxsize=2**16)
def _unshowable(character: str) -> bool:
    return unicodedata.category(character) in _UNSHOWABLE or character in _DIRECTION_MARKS
