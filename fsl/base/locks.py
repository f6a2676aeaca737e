"""Locks on files, between threads and processes; they go with the process that has them, killed or not."""

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
    """Take a file's lock, or not where somebody has it; never waits. Closing the file lets go of it.

    Args:
        file: open; another opening of the same file is somebody else, in this process too.
        shared: several may have it together, but none beside one who has it alone; on Windows each is alone.

    Returns:
        whether it is taken now.

    Raises:
        OSError: the file system knows no locks.
    """
    try:
        _lock(file, shared)
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
    return True
