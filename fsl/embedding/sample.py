"""Sample a large collection so that every class is represented."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def spread_sample(labels: Sequence[Hashable], most: int, seed: int = 0) -> list[int]:
    """Draw at most ``most`` items, from all classes in turn.

    Returns:
        rising positions; all items if there are no more than ``most``.
    """
    if len(labels) <= most:
        return list(range(len(labels)))
    order = np.random.default_rng(seed).permutation(len(labels)).tolist()
    turns: dict[Hashable, int] = {}
    ranked = []
    for place, position in enumerate(order):
        turn = turns.get(labels[position], 0)
        turns[labels[position]] = turn + 1
        ranked.append((turn, place, position))
    return sorted(position for _, _, position in sorted(ranked)[:most])
