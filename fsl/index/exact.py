"""Exact search: compare queries with every embedding, in blocks that fit into memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import Float32Array
from fsl.embedding.neighbours import Neighbour
from fsl.twin.inference import pair_logits
from fsl.twin.network import TwinNetwork, similarity

_BLOCK_BYTES = 32 * 2**20


def exact_search(twin: TwinNetwork, queries: Tensor, vectors: Float32Array, k: int) -> list[list[Neighbour]]:
    """Return the k embeddings most similar to each query, most similar first.

    Args:
        twin: the network whose head compares.
        queries: float32 ``(q, D)``.
        vectors: float32 ``(n, D)``; it may be memory-mapped.
        k: number of neighbours; n if there are fewer.
    """
    best = torch.empty(len(queries), 0)
    rows = torch.empty(len(queries), 0, dtype=torch.int64)
    step = max(1, _BLOCK_BYTES // (4 * vectors.shape[1]))
    for start in range(0, len(vectors), step):
        block = torch.from_numpy(np.array(vectors[start : start + step]))
        logits = torch.cat([best, pair_logits(twin, queries, block)], dim=1)
        own = torch.arange(start, start + len(block)).expand(len(queries), -1)
        best, chosen = logits.topk(min(k, logits.shape[1]), dim=1, largest=False)
        rows = torch.cat([rows, own], dim=1).gather(1, chosen)
    return [ranked(found, logits, k) for found, logits in zip(rows, best, strict=True)]


def ranked(rows: Tensor, logits: Tensor, k: int) -> list[Neighbour]:
    """Return the k rows with the lowest logits, most similar first; equal ones in order of rows.

    Args:
        rows: int64 ``(n,)``.
        logits: float32 ``(n,)``, the head's, higher = more different.
    """
    # By logits, because similarities near 1 are equal in single precision.
    order = np.lexsort((rows.numpy(), logits.numpy()))[:k]
    values = similarity(logits)
    return [Neighbour(int(rows[i]), float(values[i])) for i in order]
