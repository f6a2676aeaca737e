"""The most similar other rows of each row, for collections in which all pairs are too many to compare."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from fsl.index.engines import build_graph, is_installed, open_graph
from fsl.index.space import SearchSpace
from fsl.twin.nearest import nearest_rows

GRAPH_FROM = 30_000
"""From this many rows on a graph is faster, even with the time it takes to build (docs/scale.md)."""
_BREADTH_BUILDING = 100
_BREADTH = 32  # of a search; a near copy is by far the most similar, so it is found easily


def nearest_rows_of_many(vectors: Tensor, k: int) -> Tensor:
    """Return what ``nearest_rows`` does; by a graph, which misses a few, where that is faster."""
    is_faster = len(vectors) >= GRAPH_FROM and is_installed("usearch")
    return nearest_by_graph(vectors, k) if is_faster else nearest_rows(vectors, k)


def nearest_by_graph(vectors: Tensor, k: int) -> Tensor:
    """Return the k rows most similar to each row, which is not among them, by usearch.

    Args:
        vectors: float32 ``(n, D)``, of unit length.
        k: less than n, and less than 32.

    Returns:
        int64 ``(n, k)``; the row itself stands where fewer were found.
    """
    own = torch.arange(len(vectors))[:, None]
    with TemporaryDirectory() as folder:
        graph = Path(folder, "graph")
        space = SearchSpace("cosine", torch.ones(vectors.shape[1]))
        build_graph("usearch", graph, space, [vectors.numpy()], breadth=_BREADTH_BUILDING)
        candidates = open_graph("usearch", graph, _BREADTH)
        found = torch.from_numpy(candidates(vectors.numpy(), k + 1))
        del candidates  # it has the file open, which some systems do not remove then
    found = torch.where(found < 0, own, found)
    # The row itself goes last. Where it was not found, so does the least similar one.
    last = (found == own).int().argsort(dim=1, stable=True)
    return found.gather(1, last)[:, :k]
