"""Notes what hostile input must never bring about: a file elsewhere, a connection, a program."""

from __future__ import annotations

import getpass
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fsl.data.images.workers import START

_WRITING_EVENTS = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_REMOVING_EVENTS = {"os.remove", "os.rmdir", "shutil.rmtree"}
_FORBIDDEN_EVENTS = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system"}
_FORBIDDEN_EVENTS |= {"os.exec", "os.posix_spawn", "pickle.find_class"}
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_active: list[Watch] = []


class Watch:
    """What was seen.

    Args:
        allowed: folders that may be written to.

    Attributes:
        faults: one line per thing that should not have been.
    """

    def __init__(self, allowed: tuple[Path, ...]) -> None:
        # Torch makes a folder of its own when it first needs a part of itself, whatever the input.
        torch_cache = Path(tempfile.gettempdir(), f"torchinductor_{getpass.getuser()}")
        libraries = sys.pycache_prefix or sysconfig.get_paths()["purelib"]
        caches = (os.devnull, libraries, "/proc/self", torch_cache)
        self._allowed = [os.path.realpath(folder) for folder in (*allowed, *caches)]
        self.faults: list[str] = []

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in _FORBIDDEN_EVENTS and not _starts_decoder(event, arguments):
            self.faults.append(f"{event} {arguments}")
        elif event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes) and isinstance(flags, int) and flags & _WRITE_FLAGS:
                self._check(event, path)
        elif event in _WRITING_EVENTS or event in _REMOVING_EVENTS:
            for path in arguments[: 2 if event in ("os.rename", "os.link") else 1]:
                if isinstance(path, str | bytes):
                    self._check(event, path)

    def _check(self, event: str, path: str | bytes) -> None:
        real = os.path.realpath(os.fsdecode(path))
        if "__pycache__" in real or any(Path(real).is_relative_to(folder) for folder in self._allowed):
            return
        self.faults.append(f"{event} {real}")


def _starts_decoder(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether this is the start of a worker that decodes pictures, which any input may bring about."""
    command = arguments[1] if event == "subprocess.Popen" else None
    return isinstance(command, list) and command[:3] == [sys.executable, "-c", START]


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    for watch in _active:
        watch.see(event, arguments)


@contextmanager
def watching(*allowed: Path) -> Iterator[Watch]:
    """Watch this process; files may be written below ``allowed`` only.

    Python's audit hooks see what Python itself opens and connects to, whichever library asks for it.
    """
    if not _hook_is_set:
        sys.addaudithook(_hook)  # it cannot be taken away again, so it is added once
        _hook_is_set.append(True)
    watch = Watch(allowed)
    _active.append(watch)
    try:
        yield watch
    finally:
        _active.remove(watch)


_hook_is_set: list[bool] = []
