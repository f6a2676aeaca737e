"""A process that decodes pictures within limits on processor time and memory, one after another.

:mod:`fsl.data.images.workers` starts it and speaks with it over its standard input and output, as
:mod:`fsl.data.images.worker_protocol` says. A picture that goes over its processor time ends the process.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pillow_heif
from PIL import AvifImagePlugin

from fsl.data.images.bounds import CPU_SECONDS, MEMORY_BYTES, WALL_SECONDS, DecodeLimits, PictureRefused
from fsl.data.images.decode import decode_here
from fsl.data.images.worker_protocol import ASKS_TURN, LENGTH, PICTURE, REFUSED, REQUEST, SIZE

_MOST_THREADS = 2  # of a decoder that uses several; other workers take the other processors


def main() -> None:
    """Decode what standard input sends until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    AvifImagePlugin.DEFAULT_MAX_THREADS = pillow_heif.options.DECODE_THREADS = _MOST_THREADS
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What libraries print must not get between the answers.
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)

    def wait_for_turn() -> AbstractContextManager[object]:
        """Wait for the turn of a large picture, which the parent gives and takes back."""
        answers.write(ASKS_TURN)
        answers.flush()
        requests.read(1)
        return nullcontext()

    held = _held_bytes()
    while head := requests.read(REQUEST.size):
        n_bytes, *most = REQUEST.unpack(head)
        _limit_memory(held + MEMORY_BYTES - n_bytes)
        with _limited_time():
            answers.write(_answer(requests.read(n_bytes), DecodeLimits(*most), wait_for_turn))
        answers.flush()


def _answer(data: bytes, limits: DecodeLimits, turn: Callable[[], AbstractContextManager[object]]) -> bytes:
    """Return the picture or the reason why it is refused, as the parent reads it."""
    try:
        image = decode_here(data, limits, turn)
    except PictureRefused as refusal:
        reason = str(refusal).encode()
        return REFUSED + LENGTH.pack(len(reason)) + reason
    return PICTURE + SIZE.pack(*image.size) + image.tobytes()


@contextmanager
def _limited_time() -> Iterator[None]:
    """End this process if it goes over its time; the default action of both signals does that."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory(n_bytes: int) -> None:
    """Let this process hold so many bytes of its own, and no more; some systems have no such limit."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = n_bytes if most == resource.RLIM_INFINITY else min(n_bytes, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


def _held_bytes() -> int:
    """Return the memory that this process holds of its own."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmData:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
