"""A cache that drops the least recently used entries."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LruCache(Generic[K, V]):
    """Values by key; the least recently used are dropped first. Safe to use from several threads.

    Args:
        most: number of values kept.
        most_bytes: largest size of all values together. The most recent value is always kept.
        size: returns how many bytes a value takes; it must not change while the value is kept.
    """

    def __init__(
        self, most: float = math.inf, most_bytes: float = math.inf, size: Callable[[V], int] = lambda _: 0
    ) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._size = size
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """Return the value of ``key``, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: K, value: V) -> None:
        """Keep ``value``, and drop others if there is no room."""
        with self._lock:
            if key in self._values:
                self._bytes -= self._values.pop(key)[1]
            size = self._size(value)
            self._values[key] = value, size
            self._bytes += size
            while len(self._values) > max(1, self._most) or (
                len(self._values) > 1 and self._bytes > self._most_bytes
            ):
                self._bytes -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()
            self._bytes = 0
