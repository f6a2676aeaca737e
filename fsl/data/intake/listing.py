"""Listings: the image files found somewhere, each with its class, none of them decoded yet.

A file that cannot be used becomes a :class:`Problem` with its name and the reason, and the others are kept.
Only a folder or an archive that is useless as a whole raises :class:`~fsl.base.errors.DataError`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fsl.base.errors import DataError
from fsl.base.text import listed
from fsl.data.images.bounds import DEFAULT_LIMITS
from fsl.data.intake.layout import Layout, layout_of_paths, natural_key
from fsl.data.intake.paths import PathUse, display_path, is_ignored_folder, use_of_content, use_of_path
from fsl.data.intake.written import class_of_written, is_names_file

MAX_FILE_BYTES = DEFAULT_LIMITS.max_bytes
"""Largest size of an image file."""
NO_PICTURES = "has no pictures in it"
"""The problem of an empty folder, which would otherwise vanish without a message."""


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One image file.

    Attributes:
        class_name: its class; None if it lies in no class folder.
        name: its path as shown to the user, with ``/`` between the parts.
        read: returns the file's bytes; safe to call from any thread; raises ImageReadError.
    """

    class_name: str | None
    name: str
    read: Callable[[], bytes]

    def version(self) -> tuple[int, int]:
        """Return two numbers that change when the file on disk or in a zip does; zeros for other images."""
        version = getattr(self.read, "version", None)
        return (0, 0) if version is None else version()


@dataclass(frozen=True)
class Problem:
    """Something that could not be used.

    Attributes:
        name: of the file, folder or class.
        reason: why, as a clause.
    """

    name: str
    reason: str

    def __str__(self) -> str:
        """Return "name: reason"."""
        return f"{self.name}: {self.reason}"

    @classmethod
    def of_whole(cls, name: str, error: DataError) -> Problem:
        """Return the problem of a folder or an archive that is useless as a whole."""
        return cls(name, str(error).removeprefix(f"{name}: ").removesuffix("."))

    def inside(self, name: str) -> Problem:
        """Return the problem, named with the folder or archive that the file lies in."""
        return replace(self, name=f"{name}/{self.name}")


@dataclass(frozen=True)
class Listing:
    """The image files found, in natural order of their names.

    Attributes:
        entries: the images.
        problems: what could not be used.
        notes: what else to tell the user, a sentence each: how the folders or names were understood.
    """

    entries: tuple[ImageEntry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

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
class FoundFile:
    """A file or folder, before it is known whether it is used.

    Attributes:
        path: as stored, decoded to text; that of a folder ends with ``/``.
        read: returns the file's bytes.
        objection: why it cannot be used, if that is known already.
        peek: returns the first ``HEAD_BYTES`` or more, b"" if they cannot be read.
    """

    path: str
    read: Callable[[], bytes]
    objection: str | None = None
    peek: Callable[[], bytes] = bytes


def list_files(files: Sequence[tuple[str, bytes]]) -> Listing:
    """List the images among uploaded files, given by relative path and content."""
    return make_listing(
        FoundFile(path, partial(_same, data), peek=partial(_same, data)) for path, data in files
    )


def make_listing(found: Iterable[FoundFile], part: str = "", notes: tuple[str, ...] = ()) -> Listing:
    """Sort the files found into images with classes, problems, and what is ignored.

    Args:
        found: files and folders, in any order.
        part: one part of a data set that is split ("train", "val", ...); "" for everything.
        notes: what is known already that the user should know.

    Raises:
        DataError: there is no such part.
    """
    files = _sort_out(found)
    written = None if part else class_of_written(files.names_files, files.readers)
    layout = layout_of_paths(files.readers, part) if written is None else Layout(dict(written))
    problems = list(files.problems)
    if not part:
        outside = f"is outside the parts {listed(layout.parts)}, so it is left out"
        problems += [Problem(shown, outside) for shown in files.readers if shown not in layout.classes]
    mentioned = {*files.readers, *(problem.name for problem in problems)}
    problems += [
        Problem(folder, NO_PICTURES)
        for folder in _empty_folders(files.ignored_in, mentioned)
        if not part or not set(layout.parts).isdisjoint(folder.split("/"))
    ]
    entries = tuple(
        ImageEntry(layout.classes[shown], shown, files.readers[shown]) for shown in _in_order(layout)
    )
    return Listing(
        entries,
        tuple(problems),
        (*notes, *_merged_note(layout.parts), *_same_inside_note(layout.same_inside)),
    )


@dataclass
class _Files:
    """The files of a folder or zip by their use.

    Attributes:
        readers: for each image, by its path as shown, what returns its bytes.
        problems: files that cannot be used.
        ignored_in: folders of ignored files, as shown.
        names_files: files that may say what a program changed in the names of the others.
    """

    readers: dict[str, Callable[[], bytes]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    ignored_in: set[str] = field(default_factory=set)
    names_files: list[tuple[str, Callable[[], bytes]]] = field(default_factory=list)


def _sort_out(found: Iterable[FoundFile]) -> _Files:
    """Sort files by their use."""
    files = _Files()
    for item in found:
        use, reason = use_of_path(item.path)
        if use is PathUse.LOOK and item.objection is None:
            if is_names_file(item.path):
                files.names_files.append((item.path, item.read))
            use, reason = use_of_content(item.path, item.peek())
        if use is PathUse.IGNORE:
            files.ignored_in.add(_folder_of(item.path))
            continue
        shown = display_path(item.path)
        objection = item.objection or reason
        if objection is None and shown in files.readers:
            objection = "this name appears twice; the first file is used"
        if objection is None:
            files.readers[shown] = item.read
        else:
            files.problems.append(Problem(shown, objection))
    return files


def _in_order(layout: Layout) -> list[str]:
    """Return the paths of the images in natural order.

    The parts of a split data set do not count: a class has its images in the order that they would have in a
    single folder, so that a data set gives the same results whether it is split or not.
    """
    if not layout.parts:
        return sorted(layout.classes, key=natural_key)

    def without_parts(shown: str) -> str:
        name = shown.rpartition("/")[2]
        folder = layout.classes[shown]
        return name if folder is None else f"{folder}/{name}"

    return sorted(layout.classes, key=lambda shown: (natural_key(without_parts(shown)), natural_key(shown)))


def _merged_note(parts: Sequence[str]) -> tuple[str, ...]:
    if len(parts) < 2:
        return ()
    names = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return (f"The data is split into {names}: each class has the pictures of all parts together.",)


def _same_inside_note(folders: Sequence[str]) -> tuple[str, ...]:
    if not folders:
        return ()
    return (
        f"The folders {listed(folders)} hold folders of the same names, which count as different classes. If "
        "they are parts of one data set, call them train and test.",
    )


def _folder_of(path: str) -> str:
    """Return the folder of a stored path, as shown: "a" for "a/b.txt" and for "a/"; "" for the top."""
    folder = path.replace("\\", "/").rpartition("/")[0]
    return display_path(folder) if folder.strip("./") else ""


def _empty_folders(ignored_in: set[str], mentioned: set[str]) -> list[str]:
    """Return the innermost folders that hold nothing but ignored files, in natural order.

    Args:
        ignored_in: the folders themselves, and those of ignored files; as shown.
        mentioned: paths of the files that are used or refused.
    """
    in_order = sorted(mentioned)
    bare = sorted(folder for folder in ignored_in - {"", *mentioned} if not _is_above(folder, in_order))
    innermost = [folder for folder in bare if not _is_above(folder, bare)]
    hidden = {path for path in innermost if any(is_ignored_folder(part) for part in path.split("/"))}
    return sorted(set(innermost) - hidden, key=natural_key)


def _is_above(folder: str, paths: Sequence[str]) -> bool:
    """Return whether one of the paths, which are sorted, lies in a folder."""
    place = bisect_left(paths, f"{folder}/")
    return place < len(paths) and paths[place].startswith(f"{folder}/")


def _same(data: bytes) -> bytes:
    return data
