"""The most similar other rows of each row, for collections in which all pairs are too many to compare."""

from __future__ import annotations

import torch
from torch import Tensor

from fsl.index.engines import SAMPLE, build_engine, candidates_of, is_installed
from fsl.index.space import SearchSpace, shortened
from fsl.twin.nearest import nearest_rows

LISTS_FROM = 30_000
"""From this many rows on lists are faster, even with the time it takes to make them (docs/scale.md)."""
_LISTS_READ = 8  # a near copy is by far the most similar, so it is found easily
_CANDIDATES = 32
_AT_ONCE = 256


def nearest_rows_of_many(vectors: Tensor, k: int) -> Tensor:
    """Return what ``nearest_rows`` does; by lists, which miss a few, where that is faster."""
    is_faster = len(vectors) >= LISTS_FROM and is_installed()
    return nearest_by_lists(vectors, k) if is_faster else nearest_rows(vectors, k)


@torch.inference_mode()
def nearest_by_lists(vectors: Tensor, k: int) -> Tensor:
    """Return the k other rows most similar to each row, found with faiss.

    Args:
        vectors: float32 ``(n, D)``, of unit length.
        k: less than n, and less than 32.

    Returns:
        int64 ``(n, k)``; the row itself stands where fewer were found.
    """
    n = len(vectors)
    sample = vectors[torch.linspace(0, n - 1, min(n, SAMPLE)).long()]
    space = shortened(SearchSpace("cosine", torch.ones(vectors.shape[1])), [sample])
    blocks = (space.vectors(vectors[at : at + SAMPLE]) for at in range(0, n, SAMPLE))
    lists = build_engine(space, n, [space.vectors(sample)], blocks)
    candidates = candidates_of(lists, _CANDIDATES, _LISTS_READ)
    found = []
    for start in range(0, n, _AT_ONCE):
        asked = vectors[start : start + _AT_ONCE]
        own = torch.arange(start, start + len(asked))[:, None]
        rows = torch.from_numpy(candidates(space.vectors(asked)))
        rows = torch.where(rows < 0, own, rows)
        cosines = (vectors[rows] @ asked[:, :, None])[..., 0]
        cosines[rows == own] = -2.0
        found.append(rows.gather(1, cosines.topk(min(k, rows.shape[1]), dim=1).indices))
    return torch.cat(found)
