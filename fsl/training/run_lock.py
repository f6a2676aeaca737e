"""Who is writing a run folder: a lock that the system itself lets go of when its process ends, killed or not.

A lock rather than a process number in a file: numbers are used again, clocks are set back, and two containers
on one folder count their processes separately.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO, Literal, Self

from fsl.base.errors import DataError, WriteError
from fsl.base.locks import try_lock

LOCK = "owner.lock"
PHASE = "phase"
Phase = Literal["queued", "running", "closing"]
PHASES: tuple[Phase, ...] = ("queued", "running", "closing")
GOES_ON_LATER = "What was saved before is kept; when there is room again, the run can be resumed."
# A reader of the status takes the lock for an instant; whoever wants to keep it tries again.
_TRIES, _PAUSE_SECONDS = 20, 0.01


class Owner:
    """Holds a run folder until it is let go of; a context manager.

    Args:
        folder: the run folder.
        lock: the open, locked file.
    """

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self._folder = folder
        self._lock = lock

    def note(self, phase: Phase, detail: str = "") -> None:
        """Say what the run is doing, for those who list it.

        Args:
            phase: "closing" when it only puts things away.
            detail: more of it, for people: "reading pictures, 20%".

        Raises:
            WriteError: the disk is full, or the folder is gone.
        """
        path = self._folder / PHASE
        try:
            path.write_text(f"{phase}\n{detail}", encoding="utf-8")
        except OSError as error:
            raise WriteError(path, error, GOES_ON_LATER) from error

    def release(self) -> None:
        """Let go; a second time does nothing."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def take(folder: Path) -> Owner:
    """Become the one who writes this run folder; it is made if need be.

    Raises:
        DataError: another thread or process is writing it.
        WriteError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a", encoding="utf-8")
        for _ in range(_TRIES):
            if try_lock(file):
                return Owner(folder, file)
            time.sleep(_PAUSE_SECONDS)
        file.close()
    except OSError as error:
        raise WriteError(folder, error) from error
    raise DataError(f"{folder.name} is being trained right now. Stop it first, or wait until it is done.")


def phase_of(folder: Path) -> Phase | None:
    """What the living owner of a run folder is doing; none where nobody is writing it."""
    try:
        with (folder / LOCK).open(encoding="utf-8") as file:
            # Shared: two who ask at once must not take each other for an owner.
            if try_lock(file, shared=True):
                return None
    except OSError:
        return None
    noted = _read_note(folder).partition("\n")[0]
    return next((phase for phase in PHASES if phase == noted), "running")


def detail_of(folder: Path) -> str:
    """What the owner said last of what it is doing, for people; it may be over."""
    return _read_note(folder).partition("\n")[2]


def _read_note(folder: Path) -> str:
    try:
        return (folder / PHASE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
