"""Measure processor time and memory of a piece of work, with those of the processes it starts (Linux)."""

from __future__ import annotations

import os
import resource
import threading
import time
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.004
_TICK = os.sysconf("SC_CLK_TCK")


class Costs:
    """What the work inside ``with`` costs.

    Attributes:
        seconds: of processor time, of this process and of its children.
        megabytes: most memory that all of them held at once, on top of what they held before.
    """

    def __enter__(self) -> Costs:
        self.seconds = self.megabytes = 0.0
        self._done = threading.Event()
        self._held = self._highest = _held_megabytes()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        self._own_held = _status(os.getpid(), "VmRSS")
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        self._began = _seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = _seconds() - self._began
        self._done.set()
        self._watcher.join()
        own = _status(os.getpid(), "VmHWM") - self._own_held
        self.megabytes = max(own, self._highest - self._held)

    def _watch(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN_LOOKS):
            self._highest = max(self._highest, _held_megabytes())


def _seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_seconds_of, _children()))


def _seconds_of(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has ended
    return (int(fields[11]) + int(fields[12])) / _TICK


def _held_megabytes() -> float:
    return _status(os.getpid(), "VmRSS") + sum(_status(child, "VmRSS") for child in _children())


def _children() -> list[int]:
    """Return the processes that any thread of this one started.

    One that has not begun its own program yet shares this one's memory, and is left out.
    """
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # the thread has ended
    own = _command(os.getpid())
    return [child for child in found if _command(child) not in (own, b"")]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _status(process: int, name: str) -> float:
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return int(text.partition(f"{name}:")[2].split()[0] or 0) / 1024 if name in text else 0.0
