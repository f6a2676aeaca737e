"""Image sets read once for all who ask in this process: runs that are compared, previews, the next run."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fsl.base.progress import Progress
from fsl.config import Fit
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import Problem
from fsl.data.intake.splits import read_class_list
from fsl.data.loading import comes_by_name, load_images
from fsl.data.named import named_sets

MOST_SETS = 4
MOST_BYTES = 2**29
_LOOK_UP_SECONDS = 0.2


@dataclass(eq=False)
class _Slot:
    """One set, or the one who is reading it now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    images: ImageSet | None = None
    problems: tuple[Problem, ...] = ()
    progress: tuple[int, int] = (0, 0)
    users: int = 0  # who read it or wait for it now


_GUARD = threading.Lock()
_SLOTS: OrderedDict[Hashable, _Slot] = OrderedDict()


def shared_images(
    data: str,
    size: int,
    fit: Fit,
    *,
    part: str = "",
    classes: str = "",
    report: Callable[[Sequence[Problem]], None],
    progress: Progress | None = None,
) -> ImageSet:
    """As ``fsl.data.loading.load_images``, but read once and kept while there is room.

    Whoever asks for a set that another thread is reading waits for it and sees its progress. A zip, or a
    folder with a file of another size or time, is read again. The images are shared: nobody may change them.

    Args:
        data, size, fit, part, classes, report: as ``load_images``.
        progress: as ``load_images``; what it raises ends the wait, and the reading where it is this thread's.

    Raises:
        DataError, SettingsError: as ``load_images``; the next one who asks tries again.
    """
    wanted = tuple(read_class_list(classes)) if classes else None
    with _slot_of((data, _stamp(data), size, fit, part, wanted)) as slot:

        def note(done: int, total: int) -> None:
            slot.progress = (done, total)
            if progress is not None:
                progress(done, total)

        while not slot.lock.acquire(timeout=_LOOK_UP_SECONDS):
            if progress is not None:
                progress(*slot.progress)
        try:
            if slot.images is None:
                found: list[Problem] = []
                slot.images = load_images(
                    data, size, fit, part=part, classes=classes, report=found.extend, progress=note
                )
                slot.problems = tuple(found)
                _make_room(slot)
            report(slot.problems)
            return slot.images
        finally:
            slot.lock.release()


def _stamp(data: str) -> Hashable:
    """What changes when the set does."""
    if comes_by_name(data):
        return "by name"
    here = named_sets()
    path = here[data].path if data in here else Path(data)
    if not path.exists():
        return "not there"
    return _folder_stamp(path) if path.is_dir() else _file_stamp(path)


def _folder_stamp(folder: Path) -> str:
    """Of the names and stamps of all files below."""
    digest = hashlib.sha256()
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            file = Path(place, name)
            digest.update(os.fsencode(f"{file}\0{_file_stamp(file)}\0"))
    return digest.hexdigest()


def _file_stamp(file: Path) -> tuple[int, int]:
    """Time of the last change and size; zeros for a link that leads nowhere."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@contextmanager
def _slot_of(key: Hashable) -> Iterator[_Slot]:
    """The slot, while it is used; one that nothing was read into goes with its last user."""
    with _GUARD:
        slot = _SLOTS.setdefault(key, _Slot())
        _SLOTS.move_to_end(key)
        slot.users += 1
    try:
        yield slot
    finally:
        with _GUARD:
            slot.users -= 1
            if slot.images is None and not slot.users:
                del _SLOTS[key]


def _make_room(newest: _Slot) -> None:
    """Let go of the sets longest unused; who still has one keeps it alive."""
    with _GUARD:
        room, count = MOST_BYTES, 0
        for key, slot in reversed(list(_SLOTS.items())):
            if slot.images is None:
                continue
            room, count = room - slot.images.images.nbytes, count + 1
            if slot is not newest and (room < 0 or count > MOST_SETS):
                del _SLOTS[key]
