"""Memory of a process that runs for long: how much there is, and the settings of Linux's allocator."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_USUAL_MEMORY = 8 * 2**30  # where the system does not say
_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_KEPT = 256 * 2**20
_LARGEST_KEPT = 32 * 2**20  # the most that the C library allows


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the garbage collector, which searches again and again while very many objects are made."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def use_one_arena() -> None:
    """Let all threads allocate from one arena, so that ``release_memory`` can return what they freed.

    By default most threads have an arena of their own, whose free end is never returned: a few hundred
    megabytes with twenty users. Call this before the threads start. ``MALLOC_ARENA_MAX`` in the environment
    wins.
    """
    change = _of_c_library("mallopt")
    if change is not None and "MALLOC_ARENA_MAX" not in os.environ:
        change(_M_ARENA_MAX, 1)


def keep_freed_memory() -> None:
    """Keep up to 256 MB that one forward pass frees for the next one.

    By default the C library returns this memory after each pass and requests it again, page by page, which
    takes a quarter of the pass. ``release_memory`` still returns it. ``MALLOC_TRIM_THRESHOLD_`` in the
    environment wins.
    """
    change = _of_c_library("mallopt")
    if change is not None and "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        change(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
        change(_M_TRIM_THRESHOLD, _KEPT)


def release_memory() -> None:
    """Collect garbage and return free memory to the system; all threads wait for up to a second."""
    gc.collect()
    trim_memory()


def usable_memory() -> int:
    """Return how many bytes of memory this machine has, or the container if it has less."""
    found = [_USUAL_MEMORY]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _CONTAINER_LIMITS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            found.append(int(text))
    return min(found)


def trim_memory() -> None:
    """Return free memory to the system, which the C library would keep."""
    trim = _of_c_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_c_library(name: str) -> ctypes._NamedFuncPointer | None:
    """Return a function of the C library on Linux, or None if it has none of that name."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
