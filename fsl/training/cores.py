"""Share the CPU cores between runs, and let everything else go first."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import torch

NICENESS = 15


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def lower_priority() -> None:
    """Lower the priority of the calling thread, and of threads that torch starts for it later. Linux only."""
    if sys.platform == "linux":
        _lower(threading.get_native_id())


class LaterPriority:
    """Lowers the priority of a job's threads once it has shown something. Linux only.

    At low priority a job gets hardly any time while other programs compute, so its chart would stay empty
    for long. The system has no list of the threads that torch starts for a thread, but
    they take over its name; so the calling thread gets a name of its own.
    """

    def __init__(self) -> None:
        self._name = f"fsl-job-{threading.get_native_id() % 10**6}"
        self._is_done = False
        if sys.platform == "linux":
            _comm(threading.get_native_id()).write_text(self._name, encoding="utf-8")

    def lower(self) -> None:
        """Lower the priority of all threads of the job; a second call does nothing."""
        if self._is_done or sys.platform != "linux":
            return
        self._is_done = True
        for task in Path("/proc/self/task").iterdir():
            try:
                if _comm(int(task.name)).read_text(encoding="utf-8").strip() == self._name:
                    _lower(int(task.name))
            except OSError:  # a thread that has ended meanwhile
                continue


def _comm(thread: int) -> Path:
    """Return the file with the name of a thread."""
    return Path(f"/proc/self/task/{thread}/comm")


def _lower(thread: int) -> None:
    now = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, max(now, NICENESS))


class ThreadShare:
    """The torch threads of one job, adjusted as jobs come and go.

    ``torch.set_num_threads`` applies to the calling thread and to threads that use torch for the first time
    later, but only once the calling thread has read the number: its first reading takes over the latest
    number of the process.

    Args:
        share: returns the number of threads that the job may use now.
        cores: the number of threads for other threads once the job is over.
    """

    def __init__(self, share: Callable[[], int], cores: int) -> None:
        self._share, self._cores = share, cores
        self._number = torch.get_num_threads()

    def adjust(self) -> None:
        """Use as many threads as the job may use now."""
        self._set(self._share())

    def restore(self) -> None:
        """Let later threads use all cores."""
        self._set(self._cores)

    def _set(self, number: int) -> None:
        if number != self._number:
            torch.set_num_threads(number)
            self._number = number
