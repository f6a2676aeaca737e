"""The memory of a process that lives long goes back to the system. Only Linux's C library needs it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_KEPT = 256 * 2**20
_LARGEST_KEPT = 32 * 2**20  # the most that the C library allows


def keep_memory_together() -> None:
    """Let all threads allocate from one region, so that ``give_memory_back`` finds what they freed.

    By default most threads get a region of their own, and what is free at its end is never handed back: with
    twenty people a few hundred megabytes. To be called before there are many threads. Whoever set
    ``MALLOC_ARENA_MAX`` is obeyed.
    """
    change = _of_c_library("mallopt")
    if change is not None and "MALLOC_ARENA_MAX" not in os.environ:
        change(_M_ARENA_MAX, 1)


def reuse_memory() -> None:
    """Keep what a pass through a network frees for the next one, up to 256 MB.

    By default the C library hands it back each time and takes it anew, page by page, which is a quarter of
    the time of a pass. ``give_memory_back`` returns it all the same. Whoever set ``MALLOC_TRIM_THRESHOLD_``
    is obeyed.
    """
    change = _of_c_library("mallopt")
    if change is not None and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        change(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        change(_M_TRIM_THRESHOLD, _KEPT)


def give_memory_back() -> None:
    """Return what is free to the system; the C library would keep it."""
    gc.collect()
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_c_library(name: str) -> ctypes._NamedFuncPointer | None:
    """That function of the C library, where it has one."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
