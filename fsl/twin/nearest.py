"""The most similar other rows of each row, by comparing all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NearestRows = Callable[[Tensor, int], Tensor]
"""Finds the most similar rows, as ``nearest_rows`` does; it may miss some."""
_AT_ONCE = 1024


def nearest_rows(vectors: Tensor, k: int) -> Tensor:
    """Return the k rows most similar to each row, which is not among them.

    Args:
        vectors: float32 ``(n, D)``, of unit length.
        k: less than n.

    Returns:
        int64 ``(n, k)``.
    """
    found = []
    for start in range(0, len(vectors), _AT_ONCE):
        near = vectors[start : start + _AT_ONCE] @ vectors.T
        own = torch.arange(len(near))
        near[own, start + own] = -2.0
        found.append(near.topk(k, dim=1).indices)
    return torch.cat(found)
