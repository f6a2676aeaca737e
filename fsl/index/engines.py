"""Find candidates with faiss: lists for cosine and Euclidean distances, a graph for L1.

Inverted lists (Sivic and Zisserman, 2003): k-means shares the vectors out, 8 bits a number, and a search
reads the lists nearest to the query. The graph is one of near neighbours (HNSW; Malkov and Yashunin, 2018).
Among a million embeddings of `photos` graphs found no neighbour at all for one query in ten, as no path led
there (docs/scale.md). Both files are read memory-mapped. faiss is optional: without it a search compares with
every embedding (``fsl.index.exact``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from fsl.base.types import Float32Array, IntArray
from fsl.index.space import Distance, SearchSpace

EngineName = Literal["faiss", "exact"]
Candidates = Callable[[Float32Array], IntArray]
"""Finds rows near each query: vectors ``(q, D)`` to int64 ``(q, n_candidates)``, -1 for none."""
PACKAGE = "faiss-cpu"
SAMPLE = 40_000
"""Size of the sample that axes and lists are fitted on."""
_NEIGHBOURS, _BREADTH = 16, 100  # of each vector in the graph; of the search for them
_LISTS_READ = 32  # for 200 candidates; of the ten nearest of 12,720 real embeddings, 0.99 and more were there
_CANDIDATES_OF_THEM = 200
_AT_ONCE = 10_000


def is_installed() -> bool:
    """Return whether faiss is installed."""
    return find_spec("faiss") is not None


def build_engine(
    space: SearchSpace,
    n: int,
    sample: Iterable[Float32Array],
    blocks: Iterable[Float32Array],
    advance: Callable[[int], None] = lambda _: None,
) -> Any:
    """Build an index of faiss.

    Args:
        space: of the vectors.
        sample: some of them, at least one, float32 ``(m, D)`` each; not read for a graph.
        blocks: all in order, float32 ``(m, D)`` each.
        advance: called with the number of vectors that were added.
    """
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    if space.distance == "manhattan":
        engine: Any = faiss.IndexHNSWFlat(space.n_numbers, _NEIGHBOURS, faiss.METRIC_L1)
        engine.hnsw.efConstruction = _BREADTH
    else:
        engine = _lists(space.n_numbers, round(math.sqrt(n)), np.concatenate(list(sample)))
    for block in blocks:
        for start in range(0, len(block), _AT_ONCE):
            part = np.ascontiguousarray(block[start : start + _AT_ONCE])
            engine.add(part)
            advance(len(part))
    return engine


def _lists(n_numbers: int, n_lists: int, sample: Float32Array) -> Any:
    import faiss

    centres = faiss.IndexFlatL2(n_numbers)
    bits = faiss.ScalarQuantizer.QT_8bit
    n_lists = min(n_lists, len(sample))
    lists = faiss.IndexIVFScalarQuantizer(centres, n_numbers, n_lists, bits, faiss.METRIC_L2)
    lists.by_residual = False
    lists.cp.min_points_per_centroid = 1  # else faiss warns on the terminal where there are few
    lists.train(sample)
    return lists


def write_engine(engine: Any, path: Path) -> None:
    """Write an index of faiss to a file."""
    import faiss

    faiss.write_index(engine, str(path))


def open_engine(path: Path, distance: Distance) -> Any:
    """Open a faiss index file, memory-mapped.

    Raises:
        RuntimeError, ValueError, OSError: the file is damaged.
    """
    import faiss

    flag = faiss.IO_FLAG_MMAP_IFC if distance == "manhattan" else faiss.IO_FLAG_MMAP
    return faiss.read_index(str(path), flag | faiss.IO_FLAG_READ_ONLY)


def candidates_of(engine: Any, n_candidates: int, n_lists: int = 0) -> Candidates:
    """Return what finds the candidates of queries.

    Args:
        engine: an index of faiss.
        n_candidates: number of rows for each query.
        n_lists: number of lists to read; 0 for as many as these candidates need.
    """
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    number = min(n_candidates, engine.ntotal)
    if hasattr(engine, "hnsw"):
        engine.hnsw.efSearch = n_candidates
    else:
        engine.nprobe = n_lists or max(_LISTS_READ, _LISTS_READ * n_candidates // _CANDIDATES_OF_THEM)

    def candidates(queries: Float32Array) -> IntArray:
        _, rows = engine.search(np.ascontiguousarray(queries), number)
        return np.asarray(rows, np.int64)

    return candidates
