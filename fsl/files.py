"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from pathlib import Path

from fsl.errors import WriteError

_ABANDONED_SECONDS = 3600.0


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary name beside ``path``, then rename: a reader sees the old file or the new one.

    Raises:
        WriteError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            _remove_abandoned(path, Path(temporary))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError(path, error) from error


def _remove_abandoned(path: Path, fresh: Path) -> None:
    """Remove what was left of ``path`` when a process was killed while writing it.

    By age, on the file system's own clock: another process may be writing right now.
    """
    now = fresh.stat().st_mtime
    for other in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):  # another process may be removing it too
            if other != fresh and now - other.stat().st_mtime > _ABANDONED_SECONDS:
                other.unlink()
