"""Plan where classified pictures go: a folder per class, and one for unknown.

Names of classes and files come from outside, so folders and files get names that every system accepts, that
stay inside the folder, and that no two share, not even where upper and lower case are the same.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fsl.base.text import count
from fsl.data.intake.paths import display_text, is_ignored_folder

UNKNOWN = "unknown"
"""Folder of the pictures that are none of the classes."""
SUMMARY = "summary.txt"
"""The plain-text summary beside the folders."""
_REPLACED = frozenset('<>:"/\\|?*')
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
_MOST_BYTES = 180  # file systems take 255; there must be room for a number


@dataclass(frozen=True)
class SortPlan:
    """Where each picture goes.

    Attributes:
        class_names: the classes.
        folders: the folder of each class.
        labels: for each picture the class it goes to, None for unknown.
        places: for each picture its folder and file name.
    """

    class_names: tuple[str, ...]
    folders: tuple[str, ...]
    labels: tuple[str | None, ...]
    places: tuple[tuple[str, str], ...]

    @property
    def counts(self) -> dict[str, int]:
        """Number of pictures of each class, without the unknown ones."""
        found = Counter(self.labels)
        return {name: found[name] for name in self.class_names}

    @property
    def n_unknown(self) -> int:
        """Number of unknown pictures."""
        return self.labels.count(None)


def plan_sort(names: Sequence[str], labels: Sequence[str | None], class_names: Sequence[str]) -> SortPlan:
    """Give each class a folder and each picture a place in one.

    Args:
        names: of the pictures, as shown to people; the part after the last ``/`` becomes the file's name.
        labels: for each picture one of ``class_names``, or None for unknown.
        class_names: the distinct names of all classes; those without a picture get a folder, too.
    """
    taken = {UNKNOWN: 2, SUMMARY: 2}
    folders = {name: _free(_class_folder(name), taken, number_at_end=True) for name in class_names}
    taken_in: dict[str, dict[str, int]] = {folder: {} for folder in (*folders.values(), UNKNOWN)}
    places = []
    for name, label in zip(names, labels, strict=True):
        folder = UNKNOWN if label is None else folders[label]
        places.append((folder, _free(safe_name(name.rpartition("/")[2]), taken_in[folder])))
    return SortPlan(tuple(class_names), tuple(folders.values()), tuple(labels), tuple(places))


def safe_name(name: str) -> str:
    """Return a name as a file or folder name that every system accepts and that hides nothing.

    Separators and other special characters become ``_``; ordinary names stay as they are.
    """
    plain = "".join("_" if c in _REPLACED or c == "\ufffd" else c for c in display_text(name))
    plain = plain.strip().rstrip(". ")
    if plain.startswith("."):  # hidden, or the folder above
        plain = f"_{plain.lstrip('.')}"
    plain = _shortened(plain) or "_"
    if is_ignored_folder(plain) or plain.partition(".")[0].rstrip().lower() in _DEVICES:
        return f"_{plain}"
    return plain


def summary_text(plan: SortPlan) -> str:
    """Return how many pictures are in each folder, as plain text."""
    width = len(f"{len(plan.labels):,}")
    lines = [f"{sentence(plan)}.", ""]
    for name, folder in zip(plan.class_names, plan.folders, strict=True):
        shown = display_text(name)
        also = "" if shown == folder else f"  (class {shown})"
        lines.append(f"{plan.counts[name]:>{width},}  {folder}{also}")
    lines.append(f"{plan.n_unknown:>{width},}  {UNKNOWN}  (similar to none of the classes)")
    return "\n".join(lines) + "\n"


def sentence(plan: SortPlan) -> str:
    """Return the sorting in one sentence, without a full stop: "12 pictures in 3 classes, 2 unknown"."""
    n_used = sum(1 for number in plan.counts.values() if number)
    unknown = f", {plan.n_unknown:,} unknown" if plan.n_unknown else ""
    return f"{count(len(plan.labels), 'picture')} in {count(n_used, 'class', 'classes')}{unknown}"


def stream_sorted_zip(plan: SortPlan, contents: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the sorted pictures as a zip, with the bytes of their files and the summary, file by file.

    Args:
        contents: the bytes of each picture's file, asked for one after another.
    """
    now = time.localtime()[:6]
    window = _Window()
    with zipfile.ZipFile(window, "w") as archive:
        for folder in (*plan.folders, UNKNOWN):
            archive.mkdir(folder)
        archive.writestr(zipfile.ZipInfo(SUMMARY, now), summary_text(plan))
        for place, content in zip(plan.places, contents, strict=True):
            archive.writestr(zipfile.ZipInfo("/".join(place), now), content)  # compressed already
            yield window.drain()
    yield window.drain()


class _Window(io.BytesIO):
    """The end of a file whose beginning was sent; a zip goes back no further than to its latest entry."""

    _n_sent = 0

    def tell(self) -> int:
        """Return the place in the whole file."""
        return self._n_sent + super().tell()

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place in the whole file."""
        return self._n_sent + super().seek(place - self._n_sent, whence)

    def drain(self) -> bytes:
        """Return what was not sent yet, and forget it."""
        rest = self.getvalue()
        super().seek(0)
        self.truncate(0)
        self._n_sent += len(rest)
        return rest


def _class_folder(name: str) -> str:
    folder = safe_name(name)
    return f"{folder} (class)" if folder.casefold() in (UNKNOWN, SUMMARY) else folder


def _free(name: str, taken: dict[str, int], number_at_end: bool = False) -> str:
    """Return the name, with a number if another one is the same, and note it as taken.

    Args:
        taken: for each name that is taken, without upper case, the number to try next: all below are taken.
    """
    path = PurePosixPath(name)
    stem, suffix = (name, "") if number_at_end else (path.stem, path.suffix)
    free, number = name, taken.get(name.casefold(), 2)
    while free.casefold() in taken:
        free, number = f"{stem} ({number}){suffix}", number + 1
    taken |= {free.casefold(): 2, name.casefold(): number}
    return free


def _shortened(name: str) -> str:
    """Cut a name to the length that file systems take, and keep its ending."""
    if len(name.encode()) <= _MOST_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 10 else ""
    room = _MOST_BYTES - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore").rstrip(". ") + suffix
