"""Results kept for a browser session, so that a rerun of a page computes nothing twice."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Memo:
    """Results by their inputs; the one used longest ago is dropped first. Safe to use from several threads.

    Args:
        most: number of results kept.
        most_bytes: what they may take together; the most recent one is always kept.
        size: returns how many bytes a result takes.
    """

    def __init__(
        self, most: int, most_bytes: float = math.inf, size: Callable[[Any], int] = lambda _: 0
    ) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._size = size
        self._results: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, inputs: Any) -> bool:
        return inputs in self._results

    def remember(self, inputs: Any, compute: Callable[[], T]) -> T:
        """Return the result for these inputs, which must be hashable; compute it if it is not there."""
        with self._lock:
            if inputs in self._results:
                self._results.move_to_end(inputs)
                known: T = self._results[inputs]
                return known
        result = compute()
        with self._lock:
            self._results[inputs] = result
            self._results.move_to_end(inputs)
            while len(self._results) > self._most or (
                len(self._results) > 1 and sum(map(self._size, self._results.values())) > self._most_bytes
            ):
                self._results.popitem(last=False)
        return result
