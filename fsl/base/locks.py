"""File locks between threads and processes; the system frees a lock when its process ends or is killed."""

from __future__ import annotations

import sys
from typing import IO, Any

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
