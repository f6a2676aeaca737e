"""Results kept for a browser session, so that a rerun of a page computes nothing twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from fsl.base.lru import LruCache

T = TypeVar("T")


class Memo:
    """Results by their inputs; the least recently used are dropped first. Safe to use from several threads.

    Args:
        most: number of results kept.
        most_bytes: what they may take together; the most recent one is always kept.
        size: returns how many bytes a result takes.
    """

    def __init__(
        self, most: int, most_bytes: float = math.inf, size: Callable[[Any], int] = lambda _: 0
    ) -> None:
        self._results: LruCache[Any, tuple[Any]] = LruCache(most, most_bytes, lambda kept: size(kept[0]))

    def __contains__(self, inputs: Any) -> bool:
        return inputs in self._results

    def get(self, inputs: Any) -> Any:
        """Return the result for these inputs, None if it is not there."""
        kept = self._results.get(inputs)
        return None if kept is None else kept[0]

    def put(self, inputs: Any, result: Any) -> None:
        """Keep a result in place of the former one for these inputs, if there was one."""
        self._results.put(inputs, (result,))

    def remember(self, inputs: Any, compute: Callable[[], T]) -> T:
        """Return the result for these inputs, which must be hashable; compute it if it is not there."""
        kept = self._results.get(inputs)
        if kept is None:
            kept = (compute(),)
            self.put(inputs, kept[0])
        known: T = kept[0]
        return known
