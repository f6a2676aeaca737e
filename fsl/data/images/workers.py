"""Worker processes that decode pictures within limits; see :mod:`fsl.data.images.worker`.

They start when they are first needed and stay. One that goes over its limits, or that a picture brings down,
is replaced, and that one picture is refused.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from PIL import Image

from fsl.data.images.bounds import DecodeLimits, PictureRefused
from fsl.data.images.worker_protocol import ASKS_TURN, GO_AHEAD, LENGTH, PICTURE, REFUSED, REQUEST, SIZE

ARE_AVAILABLE = (
    importlib.util.find_spec("resource") is not None and hasattr(signal, "setitimer") and bool(sys.executable)
)
"""Whether this system can limit a process; elsewhere only the checks of the structure protect it."""

# A worker's memory is in pieces after a while; starting another takes a sixth of a second.
_MOST_PICTURES = 500
START = "import sys; sys.path[:] = sys.argv[1:]; from fsl.data.images.worker import main; main()"
"""The program of a worker; its arguments are where it finds its modules."""
# No threads for arithmetic, which a worker has none of, and one pool of memory for all threads.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
_TOO_LONG = "it takes too long to decode, far longer than a photo: save it again as PNG or JPEG"
_BROKE_DOWN = "it is damaged, or takes too much memory to decode: save it again as PNG or JPEG"


Turn = Callable[[], AbstractContextManager[object]]
"""Gives the context in which a large picture is decoded, one at a time."""


class _WorkerDied(Exception):  # noqa: N818 - turned into the reason why the picture is refused
    """The worker ended before it gave an answer."""


class _Worker:
    """One worker process; used by one thread at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self.pictures_left = _MOST_PICTURES

    def decode(self, data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
        """Decode one picture.

        Raises:
            PictureRefused: the worker says why.
            _WorkerDied: it ended.
        """
        self.pictures_left -= 1
        try:
            self._requests.write(
                REQUEST.pack(len(data), limits.max_bytes, limits.max_pixels, limits.max_side)
            )
            self._requests.write(data)
            self._requests.flush()
            kind = self._read(1)
            if kind == ASKS_TURN:
                with turn():
                    self._requests.write(GO_AHEAD)
                    self._requests.flush()
                    kind = self._read(1)
                    return self._picture(kind, limits)
            return self._picture(kind, limits)
        except BrokenPipeError:
            raise _WorkerDied from None

    def is_alive(self) -> bool:
        """Return whether the process runs; the system may have ended one that was idle."""
        return self._process.poll() is None

    def how_it_ended(self) -> str:
        """Return why a picture is refused whose worker died, and clean up after the worker."""
        self._process.kill()  # one that only closed its output
        status = self._process.wait()
        self.close()
        out_of_time = -status in (signal.SIGPROF, signal.SIGALRM)
        return _TOO_LONG if out_of_time else _BROKE_DOWN

    def close(self) -> None:
        """Let the process end, which it does when its input does."""
        with suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        self._process.wait()

    def _picture(self, kind: bytes, limits: DecodeLimits) -> Image.Image:
        if kind == REFUSED:
            (length,) = LENGTH.unpack(self._read(LENGTH.size))
            raise PictureRefused(self._read(length).decode(errors="replace"))
        width, height = SIZE.unpack(self._read(SIZE.size))
        if kind != PICTURE or not 0 < max(width, height) <= limits.max_side:
            raise _WorkerDied
        return Image.frombytes("RGB", (width, height), self._read(3 * width * height))

    def _read(self, n_bytes: int) -> bytes:
        found = self._answers.read(n_bytes)
        if len(found) < n_bytes:
            raise _WorkerDied
        return found


class _Workers:
    """All worker processes of this process."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(min(4, os.cpu_count() or 1))
        self._idle: list[_Worker] = []

    def decode(self, data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
        """Decode one picture in the next worker that is free; see :func:`decode_in_worker`."""
        with self._places:
            worker = self._take()
            try:
                image = worker.decode(data, limits, turn)
            except PictureRefused:
                self._put_back(worker)
                raise
            except _WorkerDied:
                raise PictureRefused(worker.how_it_ended()) from None
            except BaseException:
                worker.how_it_ended()  # it may be in the middle of a picture
                raise
            self._put_back(worker)
            return image

    def start_one(self) -> None:
        """Start a worker if there is none."""
        if not self._idle:
            self._idle.append(_Worker())

    def close(self) -> None:
        """End the workers that are idle."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> _Worker:
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return _Worker()
            if worker.is_alive():
                return worker
            worker.close()

    def _put_back(self, worker: _Worker) -> None:
        if worker.pictures_left:
            self._idle.append(worker)
        else:
            worker.close()


def decode_in_worker(data: bytes, limits: DecodeLimits, turn: Turn) -> Image.Image:
    """Decode a picture in a worker; threads may call this at the same time.

    Args:
        limits: of the picture.
        turn: gives the context in which a large picture is decoded.

    Returns:
        the picture, RGB and upright, at most ``limits.max_side`` a side.

    Raises:
        PictureRefused: it cannot be read, or takes more time or memory than a picture may.
        OSError: this system lets no worker start.
    """
    return _workers.decode(data, limits, turn)


def start_ahead() -> None:
    """Start a worker if there is none, so that the first picture that needs one does not wait."""
    if ARE_AVAILABLE:
        with suppress(OSError):
            _workers.start_one()


def _forget_workers() -> None:
    """Give a forked process workers of its own; those of its parent serve one process at a time."""
    global _workers
    _workers = _Workers()


_workers = _Workers()
atexit.register(lambda: _workers.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
