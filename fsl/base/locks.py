"""File locks between threads and processes; the system frees a lock when its process ends or is killed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fsl.base.errors import WriteError

_POLL_SECONDS = 0.2

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[Any], shared: bool) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[Any], shared: bool) -> None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def try_lock(file: IO[Any], *, shared: bool = False) -> bool:
    """Try to acquire the lock of an open file, without waiting. Closing the file releases it.

    Args:
        file: the open file; each time it is opened counts as another owner, also within this process.
        shared: allow other shared owners beside this one. On Windows every lock is exclusive.

    Returns:
        True if the lock is acquired, False if another owner holds it.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        _lock(file, shared)
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
    return True


@contextmanager
def locked_file(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the exclusive lock of a lock file for the length of a ``with`` block, waiting for other owners.

    Args:
        lock: the lock file; it is created, and removed afterwards.
        waiting: called from time to time while another owner holds it; an exception that it raises ends the
            wait.

    Raises:
        WriteError: the lock file cannot be created.
    """
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("a", encoding="utf-8")
            is_mine = try_lock(file)
        except OSError as error:
            raise WriteError(lock.parent, error) from error
        with file:
            while not is_mine:
                waiting()
                time.sleep(_POLL_SECONDS)
                is_mine = try_lock(file)
            if not _leads_to(lock, file):
                continue  # its former owner has removed it, and another one may have made a new file
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file; it may stay
                    lock.unlink()
            return


def _leads_to(path: Path, file: IO[str]) -> bool:
    """Return whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
