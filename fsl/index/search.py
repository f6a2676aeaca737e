"""Search an index: faiss proposes hundreds of pictures, and the network's own head ranks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.types import Float32Array, IntArray
from fsl.embedding.neighbours import Neighbour
from fsl.index.engines import Candidates, candidates_of, is_installed, open_engine
from fsl.index.exact import exact_search, ranked
from fsl.index.folder import AXES, EMBEDDINGS, ENGINE, NAMES, IndexHeader, damaged, read_header
from fsl.index.space import search_space
from fsl.twin.network import TwinNetwork

N_CANDIDATES = 200
_BLOCK_BYTES = 8 * 2**20  # a processor's cache holds it


@dataclass(frozen=True, eq=False)
class Index:
    """An open index; its files are memory-mapped.

    Attributes:
        header: what it holds.
        embeddings: float32 ``(n, D)``.
        names: table with the columns ``image`` and ``label``.
        candidates: finds rows near a query; None where every search compares with all of them.
        axes: of the space in which it finds them; None if it is the head's.
    """

    header: IndexHeader
    embeddings: Float32Array
    names: pa.Table
    candidates: Candidates | None
    axes: Tensor | None = None

    def image_of(self, row: int) -> str:
        """Return the name of a picture."""
        return str(self.names["image"][row])

    def label_of(self, row: int) -> str:
        """Return the class of a picture."""
        return str(self.names["label"][row])


def open_index(folder: Path, n_candidates: int = N_CANDIDATES) -> Index:
    """Open an index.

    Args:
        folder: of the index.
        n_candidates: number of pictures that the head ranks for each query.

    Raises:
        DataError: it is no index, or damaged.
    """
    header = read_header(folder)
    try:
        embeddings = np.load(folder / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        names = pa.ipc.open_file(pa.memory_map(str(folder / NAMES))).read_all()
        candidates, axes = None, None
        if header.distance is not None and is_installed():
            candidates = candidates_of(open_engine(folder / ENGINE, header.distance), n_candidates)
        if AXES in header.fingerprints:
            axes = torch.from_numpy(np.load(folder / AXES, allow_pickle=False))
    except (OSError, ValueError, RuntimeError, pa.ArrowException) as error:
        raise DataError(damaged(folder)) from error
    if embeddings.shape != (header.n, header.dimension) or len(names) != header.n:
        raise DataError(damaged(folder))
    return Index(header, embeddings, names, candidates, axes)


def search(index: Index, twin: TwinNetwork, queries: Tensor, k: int) -> list[list[Neighbour]]:
    """Return the k pictures most similar to each query, most similar first.

    Args:
        index: of embeddings by the same network.
        twin: the network; its head gives the similarities.
        queries: float32 ``(q, D)``.
        k: number of neighbours, at most the index's number of candidates unless it has no engine.
    """
    space = search_space(twin.head)
    if index.candidates is None or space is None:
        return exact_search(twin, queries, index.embeddings, k)
    found = index.candidates(replace(space, axes=index.axes).vectors(queries))
    step = max(1, _BLOCK_BYTES // (4 * found.shape[1] * index.header.dimension))
    parts = [slice(start, start + step) for start in range(0, len(queries), step)]
    return [one for some in parts for one in _ranked_by_head(index, twin, queries[some], found[some], k)]


@torch.inference_mode()
def _ranked_by_head(
    index: Index, twin: TwinNetwork, queries: Tensor, rows: IntArray, k: int
) -> list[list[Neighbour]]:
    """Rank the candidates of some queries, ``(q, C)``, by the head."""
    in_order = np.sort(rows, axis=1)  # of the file, which is read from front to back
    device = twin.head.weight.device
    gathered = torch.from_numpy(index.embeddings[in_order]).to(device)
    logits = twin.head.pairwise(queries[:, None].to(device), gathered)[:, 0].cpu()
    is_new = np.diff(in_order, axis=1, prepend=-1) > 0  # neither missing (-1) nor found twice
    return [
        ranked(torch.from_numpy(own[new]), of_query[torch.from_numpy(new)], k)
        for own, new, of_query in zip(in_order, is_new, logits, strict=True)
    ]
