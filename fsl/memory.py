"""The memory of a process that lives long goes back to the system. Only Linux's C library needs it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

_M_ARENA_MAX = -8  # of malloc.h


def keep_memory_together() -> None:
    """Let all threads allocate from one region, so that ``give_memory_back`` finds what they freed.

    By default most threads get a region of their own, and what is free at its end is never handed back: with
    twenty people a few hundred megabytes. To be called before there are many threads. Whoever set
    ``MALLOC_ARENA_MAX`` is obeyed.
    """
    change = _of_c_library("mallopt")
    if change is not None and "MALLOC_ARENA_MAX" not in os.environ:
        change(_M_ARENA_MAX, 1)


def give_memory_back() -> None:
    """Return what is free to the system; the C library would keep it."""
    gc.collect()
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_c_library(name: str) -> ctypes._NamedFuncPointer | None:
    """That function of the C library, where it has one."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
