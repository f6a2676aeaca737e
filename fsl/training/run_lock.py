"""OS file lock held by the process that writes a run folder.

The operating system releases it when the process ends, even if the process is killed. A process number in a
file would not do: numbers are reused, clocks are set back, and two containers that share a folder number
their processes separately.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO, Literal, Self

from fsl.base.errors import DataError, WriteError
from fsl.base.locks import try_lock
from fsl.training.run_folder import public_name

LOCK = "owner.lock"
PHASE = "phase"
Phase = Literal["queued", "running", "closing"]
PHASES: tuple[Phase, ...] = ("queued", "running", "closing")
RESUMABLE = "What was saved before is kept; when there is room again, the run can be resumed."
# Reading the phase takes the lock for an instant, so acquiring it may need more than one try.
_TRIES, _PAUSE_SECONDS = 20, 0.01


class RunLock:
    """The lock on a run folder, held until it is released; a context manager.

    Args:
        file: the open, locked file.
    """

    def __init__(self, folder: Path, file: IO[str]) -> None:
        self.folder = folder
        self._file = file

    def set_phase(self, phase: Phase, detail: str = "") -> None:
        """Write down what the run is doing, for everything that lists runs.

        Args:
            phase: "closing" while the run only saves and calibrates.
            detail: details for people, such as "reading pictures, 20%".

        Raises:
            WriteError: the disk is full, or the folder is gone.
        """
        path = self.folder / PHASE
        try:
            path.write_text(f"{phase}\n{detail}", encoding="utf-8")
        except OSError as error:
            raise WriteError(path, error, RESUMABLE) from error

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def acquire(folder: Path) -> RunLock:
    """Acquire the lock on a run folder, creating the folder if needed.

    Raises:
        DataError: another thread or process holds the lock.
        WriteError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a", encoding="utf-8")
        for _ in range(_TRIES):
            if try_lock(file):
                return RunLock(folder, file)
            time.sleep(_PAUSE_SECONDS)
        file.close()
    except OSError as error:
        raise WriteError(folder, error) from error
    raise DataError(
        f"{public_name(folder.name)} is being trained right now. Stop it first, or wait until it is done."
    )


def phase_of(folder: Path) -> Phase | None:
    """Return what the process that holds the lock is doing, or None if no process holds it."""
    try:
        with (folder / LOCK).open(encoding="utf-8") as file:
            # Shared: two processes that ask at the same time must not take each other for the holder.
            if try_lock(file, shared=True):
                return None
    except OSError:
        return None
    written = _read_phase(folder).partition("\n")[0]
    return next((phase for phase in PHASES if phase == written), "running")


def detail_of(folder: Path) -> str:
    """Return the details that the holder of the lock wrote last, for people; the run may be over."""
    return _read_phase(folder).partition("\n")[2]


def _read_phase(folder: Path) -> str:
    try:
        return (folder / PHASE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
