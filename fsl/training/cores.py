"""Share the CPU cores between runs, and let everything else go first."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import torch

NICENESS = 15


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def lower_priority() -> None:
    """Lower the priority of the calling thread, and of threads that torch starts for it. Linux only."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
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
