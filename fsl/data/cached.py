"""Images loaded once for everything in this process that asks: compared runs, previews, the next run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fsl.base.progress import Progress
from fsl.data.imageset import ImageSet
from fsl.data.intake.listing import Problem
from fsl.data.query import ImageQuery
from fsl.data.source import Source

MOST_SETS = 4
MOST_BYTES = 2**29
_POLL_SECONDS = 0.2


@dataclass(eq=False)
class _Slot:
    """One image set, or the load in progress.

    Attributes:
        lock: held by the thread that loads.
        found: images and problems, once loaded.
        progress: (done, total) of the load, for the threads that wait.
        users: threads that load or wait now.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: tuple[ImageSet, tuple[Problem, ...]] | None = None
    progress: tuple[int, int] = (0, 0)
    users: int = 0


_GUARD = threading.Lock()
_SLOTS: OrderedDict[Hashable, _Slot] = OrderedDict()


def load_cached(
    source: Source, query: ImageQuery, progress: Progress | None = None
) -> tuple[ImageSet, tuple[Problem, ...]]:
    """Load images as ``source.load`` does, and keep them in memory for the next caller while there is room.

    A thread that asks for images which another one is loading waits for them and sees that progress. A
    source whose files have changed is loaded again. The images are shared: do not change them.

    Args:
        source: where the images come from.
        query: which images, and in which form.
        progress: called with (done, total). An exception that it raises ends the wait, and the load if this
            thread does it.

    Raises:
        DataError, SettingsError: as ``source.load``; the next caller tries again.
    """
    with _slot_of((source.key, source.version(), query)) as slot:

        def note(done: int, total: int) -> None:
            slot.progress = (done, total)
            if progress is not None:
                progress(done, total)

        while not slot.lock.acquire(timeout=_POLL_SECONDS):
            if progress is not None:
                progress(*slot.progress)
        try:
            if slot.found is None:
                slot.found = source.load(query, note)
                _make_room(slot)
            return slot.found
        finally:
            slot.lock.release()


@contextmanager
def _slot_of(key: Hashable) -> Iterator[_Slot]:
    """Yield a slot while it is in use; an empty slot is removed after its last user."""
    with _GUARD:
        slot = _SLOTS.setdefault(key, _Slot())
        _SLOTS.move_to_end(key)
        slot.users += 1
    try:
        yield slot
    finally:
        with _GUARD:
            slot.users -= 1
            if slot.found is None and not slot.users:
                del _SLOTS[key]


def _make_room(newest: _Slot) -> None:
    """Drop the least recently used sets beyond the limits; a caller that still uses one keeps it alive."""
    with _GUARD:
        room, count = MOST_BYTES, 0
        for key, slot in reversed(list(_SLOTS.items())):
            if slot.found is None:
                continue
            room, count = room - slot.found[0].images.nbytes, count + 1
            if slot is not newest and (room < 0 or count > MOST_SETS):
                del _SLOTS[key]
