"""Project files: a zip with the original pictures and a manifest, so that work can be opened again.

``project.json`` holds classes, queries, settings and the checkpoint's name and digest. The pictures are
under ``images/``, each content once. Reading trusts nothing: the zip passes the same gate as any other
(:mod:`fsl.data.intake.zip_gate`), and the manifest is compared with the contents.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any, TypeGuard

from fsl.base.errors import DataError, ImageReadError
from fsl.config import METHODS, Method
from fsl.data.images.signatures import IMAGE_SUFFIXES
from fsl.data.intake.listing import Problem
from fsl.data.intake.paths import LONGEST_NAME, display_text
from fsl.data.intake.zip_gate import ImportLimits, check_room, objection, open_zip, read_member

FORMAT = 1
MANIFEST = "project.json"
_MAX_MANIFEST_BYTES = 8 * 2**20
_MAX_IMAGES = 10_000  # twice what the page holds
# Each value of a JSON text is followed by one of these, and costs up to 250 bytes as an object.
_JSON_SEPARATORS = (b",", b"[", b"{")
_MAX_JSON_VALUES = 300_000
# A project is written with its pictures as they are, so hardly any grows when it is unpacked.
_LIMITS = ImportLimits(max_entries=2 * _MAX_IMAGES, max_growth=2.0, free_bytes=128 * 2**20)
Content = Callable[[str], tuple[Callable[[], bytes], str] | str]
"""Gives what unpacks a file of the zip and the file's digest, or the problem with it."""
_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same work gives the same file


@dataclass(frozen=True, eq=False)
class ProjectImage:
    """One picture of a project; equal to another of the same name and bytes.

    Attributes:
        name: the name that its owner knows it by.
        content: the bytes of its file, or what unpacks them: a project may hold more than fits in memory.
    """

    name: str
    content: bytes | Callable[[], bytes]

    @property
    def data(self) -> bytes:
        """Return the bytes of its file, unpacked anew each time if they come out of a zip."""
        return self.content if isinstance(self.content, bytes) else self.content()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProjectImage) and (self.name, self.data) == (other.name, other.data)

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True)
class Project:
    """Everything on the Classify page.

    Attributes:
        classes: name and pictures of each class, in order; a class may be empty, and two may have the same
            name until somebody changes one.
        queries: pictures to classify.
        rule: how shots are combined, or "quick" for the linear probe; None for the checkpoint's default.
        threshold: of "unknown", in [0, 1]; None for the checkpoint's own.
        checkpoint: name of the checkpoint, "" for the default.
        checkpoint_digest: sha256 of its file, "" if none was loaded.
        corrections: what a person said that queries show, by the sha256 of the query's file: the class's
            place in ``classes``, or None for none of them.
        together: whether all queries say where the classes lie (``fsl.fewshot.together``).
    """

    classes: tuple[tuple[str, tuple[ProjectImage, ...]], ...]
    queries: tuple[ProjectImage, ...] = ()
    rule: Method | None = None
    threshold: float | None = None
    checkpoint: str = ""
    checkpoint_digest: str = ""
    corrections: Mapping[str, int | None] = field(default_factory=dict)
    together: bool = False

    def images(self) -> Iterator[ProjectImage]:
        """Yield all pictures, those of the classes first."""
        for _, members in self.classes:
            yield from members
        yield from self.queries


def project_bytes(project: Project) -> bytes:
    """Return the project as a zip."""
    buffer = io.BytesIO()
    written: set[str] = set()
    with zipfile.ZipFile(buffer, "w") as archive:
        manifest = json.dumps(_manifest(project), indent=1, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), manifest, zipfile.ZIP_DEFLATED)
        for image in project.images():
            path = _path_of(image)
            if path not in written:
                written.add(path)
                archive.writestr(zipfile.ZipInfo(path, _DATE), image.data)  # images are compressed already
    return buffer.getvalue()


def is_project(data: bytes) -> bool:
    """Return whether ``data`` is a zip with a manifest, not just a zip of pictures."""
    try:
        with open_zip(data, "", _LIMITS) as archive:
            return MANIFEST in archive.NameToInfo
    except DataError:
        return False


class _Damaged(Exception):  # noqa: N818 - turned into a DataError that names the file
    """What is wrong with a project, as a clause."""


def read_project(
    data: bytes, name: str = "the project", make_room: Callable[[int, int], None] | None = None
) -> tuple[Project, tuple[Problem, ...]]:
    """Read a project.

    Args:
        data: the zip.
        name: of the file, for messages.
        make_room: called with the number of pictures and their bytes before any of them is unpacked; raises
            a DataError if there is no room for them.

    Returns:
        the project, and the problems of pictures that could not be read.

    Raises:
        DataError: it is not a project, its manifest is damaged or inconsistent, or it takes too much room.
    """
    archive = open_zip(data, name, _LIMITS)
    try:
        return _read(archive, len(data), name, make_room)
    except _Damaged as damage:
        raise DataError(f"{name}: {damage}; it was not opened.") from damage


def _read(
    archive: zipfile.ZipFile, n_packed: int, name: str, make_room: Callable[[int, int], None] | None
) -> tuple[Project, tuple[Problem, ...]]:
    manifest = _read_manifest(archive, name)
    members = _list_of_objects(manifest.get("classes"))
    named = _named_files(manifest, members)
    infos = archive.NameToInfo
    n_bytes = check_room((infos[file] for file in named if file in infos), n_packed, name, _LIMITS)
    if make_room is not None:
        make_room(len(named), n_bytes)
    content = _contents(archive, infos)
    problems: list[Problem] = []

    def images(entries: Any) -> tuple[ProjectImage, ...]:
        found = (_read_image(entry, content, problems) for entry in _list_of_objects(entries))
        return tuple(image for image in found if image is not None)

    classes = tuple((_text(c.get("name"), "a class's name"), images(c.get("images"))) for c in members)
    project = Project(
        classes,
        images(manifest.get("queries")),
        _rule(manifest.get("rule")),
        _threshold(manifest.get("threshold")),
        _text(manifest.get("checkpoint"), "the checkpoint's name"),
        _text(manifest.get("checkpoint_digest"), "the checkpoint's digest"),
        _corrections(manifest.get("corrections", {}), len(classes)),
        _together(manifest.get("together", False)),
    )
    return project, tuple(problems)


def _contents(archive: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo]) -> Content:
    """Return a function from a file of the zip to its reader and digest, or to the problem with it."""

    @cache  # a manifest may name one picture many times: check it once
    def content(file: str) -> tuple[Callable[[], bytes], str] | str:
        if file not in infos:
            return "the project names it but does not hold it"
        if problem := objection(infos[file], _LIMITS):
            return problem
        read = partial(read_member, archive, infos[file], file)
        try:
            return read, _digest(read())
        except ImageReadError as error:
            return error.reason

    return content


def _manifest(project: Project) -> dict[str, Any]:
    def entries(images: tuple[ProjectImage, ...]) -> list[dict[str, str]]:
        return [{"name": i.name, "file": _path_of(i), "sha256": _digest(i.data)} for i in images]

    return {
        "format": FORMAT,
        "classes": [{"name": name, "images": entries(images)} for name, images in project.classes],
        "queries": entries(project.queries),
        "rule": project.rule,
        "threshold": project.threshold,
        "checkpoint": project.checkpoint,
        "checkpoint_digest": project.checkpoint_digest,
        "corrections": dict(project.corrections),
        "together": project.together,
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _path_of(image: ProjectImage) -> str:
    # Only other programs need the ending: here the content decides how a picture is read.
    suffix = PurePosixPath(image.name).suffix.lower()
    return f"images/{_digest(image.data)}{suffix if suffix in IMAGE_SUFFIXES else '.png'}"


def _read_manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    info = archive.NameToInfo.get(MANIFEST)
    if info is None:
        raise DataError(
            f"{name}: it has no {MANIFEST}, so it is not a project saved here. To fill classes from a zip of "
            "pictures, add it as a folder or zip."
        )
    if info.file_size > _MAX_MANIFEST_BYTES:
        raise _Damaged(f"its {MANIFEST} is too large")
    try:
        with archive.open(info) as file:
            text = file.read(_MAX_MANIFEST_BYTES)
    except Exception as error:  # zipfile and zlib raise nearly anything on a damaged entry
        raise _Damaged(f"its {MANIFEST} is damaged") from error
    if sum(text.count(mark) for mark in _JSON_SEPARATORS) > _MAX_JSON_VALUES:
        raise _Damaged(f"its {MANIFEST} has far too many entries")
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Damaged(f"its {MANIFEST} is damaged") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError(
            f"{name}: its {MANIFEST} is of another format; this version reads format {FORMAT}. "
            "Update Few-Shot Lab."
        )
    return manifest


def _read_image(entry: dict[str, Any], content: Content, problems: list[Problem]) -> ProjectImage | None:
    """Read a picture of the manifest; ``content`` returns a file and its digest, or the problem."""
    shown = _text(entry.get("name"), "a picture's name")
    found = content(_text(entry.get("file"), "a picture's file"))
    if isinstance(found, str):
        problems.append(Problem(shown, found))
        return None
    read, digest = found
    if digest != entry.get("sha256"):
        problems.append(Problem(shown, "it is not the picture that was saved (its checksum differs)"))
        return None
    return ProjectImage(shown, read)


def _is_list_of_objects(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _list_of_objects(value: Any) -> list[dict[str, Any]]:
    if not _is_list_of_objects(value):
        raise _Damaged("its manifest has no proper list of classes or pictures")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _Damaged(f"{what} in its manifest is no text")
    return display_text(value[:LONGEST_NAME])


def _named_files(manifest: dict[str, Any], members: list[dict[str, Any]]) -> list[str]:
    """Return the file of each picture that the manifest names; refuse it if there are too many."""
    lists = [manifest.get("queries"), *(member.get("images") for member in members)]
    total = sum(len(images) for images in lists if isinstance(images, list))
    if total > _MAX_IMAGES or len(members) > _MAX_IMAGES:
        raise _Damaged(
            f"its manifest names {max(total, len(members)):,} pictures and classes, and a project holds at "
            f"most {_MAX_IMAGES:,}"
        )
    entries = (entry for images in lists for entry in _list_of_objects(images))
    return [_text(entry.get("file"), "a picture's file") for entry in entries]


def _rule(value: Any) -> Method | None:
    if value is None:
        return None
    for rule in METHODS:
        if value == rule:
            return rule
    raise _Damaged(f"its rule is none of {', '.join(METHODS)}")


def _threshold(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise _Damaged("its threshold is not between 0 and 1")
    return float(value)


def _together(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Damaged("whether it learns from the pictures to classify is not true or false")
    return value


def _corrections(value: Any, n_classes: int) -> dict[str, int | None]:
    def is_class(number: Any) -> bool:
        return number is None or (type(number) is int and 0 <= number < n_classes)

    if not isinstance(value, dict) or not all(map(is_class, value.values())):
        raise _Damaged("its corrections name classes that it does not have")
    return value
