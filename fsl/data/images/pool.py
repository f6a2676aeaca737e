"""Threads that decode pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def decode_pool(workers: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of decoding threads; tasks that have not begun at the end are dropped.

    Args:
        workers: number of threads; by default one per processor, at most 8.
    """
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1), thread_name_prefix="decode")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
