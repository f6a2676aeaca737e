"""Open files without waiting for ever, and write them atomically: completely or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import secrets
import stat
from pathlib import Path

from fsl.base.errors import WriteError

_ABANDONED_SECONDS = 3600.0
_LONGEST_START = 100  # bytes; most file systems take names of 255, some of 143


def open_plain(path: Path) -> io.BufferedReader:
    """Open a file to read its bytes; not a pipe or a device, which may have no beginning or no end.

    Raises:
        OSError: it is one of these, or cannot be opened.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a folder tells what it is
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    return path.open("rb")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees either the old content or all of the new.

    The data goes to a temporary file beside ``path``, which is then renamed. An existing file keeps its
    permissions; a new one gets those of the process's umask.

    Args:
        path: the file; missing folders are created.

    Raises:
        WriteError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_temporary_start(path.name)}{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("xb") as file:
                _take_mode_of(path, temporary)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _remove_abandoned(path, temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError(path, error) from error


def _temporary_start(name: str) -> str:
    """Return how the names of temporary files begin; a long name is shortened, as the rest is added to it."""
    while len(os.fsencode(name)) > _LONGEST_START:
        name = name[:-1]
    return f".{name}."


def _take_mode_of(path: Path, fresh: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            fresh.chmod(stat.S_IMODE(mode))


def _remove_abandoned(path: Path, fresh: Path) -> None:
    """Remove temporary files of ``path`` that a killed process left behind.

    Only old ones go, because another process may be writing now. Ages are told by the file system's clock.
    """
    now = fresh.stat().st_mtime
    for other in path.parent.glob(f"{glob.escape(_temporary_start(path.name))}*.tmp"):
        with contextlib.suppress(OSError):  # another process may be removing it, too
            if other != fresh and now - other.stat().st_mtime > _ABANDONED_SECONDS:
                other.unlink()
