"""Threads that decode pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def decode_pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of decoding threads, at most 8; tasks that have not begun at the end are dropped."""
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="decode")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
