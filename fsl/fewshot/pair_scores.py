"""Pairs of images and their similarities: the data behind "same or different?".

Pairs are scored as they are, even by networks whose classification centres embeddings on the support set
(``fsl.fewshot.support_view.seen_from_support``), because a pair has no support set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.twin.inference import PAIRS_AT_ONCE, pair_logits
from fsl.twin.network import TwinNetwork

MOST_PAIRS = 2_000_000


@dataclass(frozen=True, eq=False)
class PairScores:
    """Similarities of pairs of different images from one set.

    Attributes:
        similarity: float64 ``(n,)``, in [0, 1]. Double precision, because small false-accept rates depend on
            similarities that single precision rounds to 1.
        first: int64 ``(n,)``, rows of the set.
        second: int64 ``(n,)``.
        labels: int64 ``(N,)``, the class of each row.
    """

    similarity: Float64Array
    first: IntArray
    second: IntArray
    labels: IntArray

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.similarity)

    @property
    def same(self) -> BoolArray:
        """Return bool ``(n,)``: whether both images are of one class."""
        return np.asarray(self.labels[self.first] == self.labels[self.second])

    @property
    def n_class_pairs(self) -> int:
        """Return the number of pairs of different classes that were compared."""
        a, b = self.labels[self.first], self.labels[self.second]
        low, high = np.minimum(a, b), np.maximum(a, b)
        codes = low * (int(self.labels.max(initial=0)) + 1) + high
        return len(np.unique(codes[low != high]))

    def select(self, chosen: BoolArray | IntArray) -> PairScores:
        """Return some of the pairs."""
        return PairScores(self.similarity[chosen], self.first[chosen], self.second[chosen], self.labels)


def count_pairs(labels: IntArray) -> tuple[int, int]:
    """Return the number of same pairs and the number of different pairs.

    Args:
        labels: int64 ``(N,)``.

    Raises:
        DataError: there is no pair of one kind.
    """
    n = len(labels)
    counts = np.unique(labels, return_counts=True)[1]
    n_same = int((counts * (counts - 1) // 2).sum())
    n_different = n * (n - 1) // 2 - n_same
    if not n_same or not n_different:
        raise DataError(
            f"{count(n, 'image')} of {count(len(counts), 'class', 'classes')} make "
            f"{count(n_same, 'pair')} of one class and {n_different:,} of two; "
            "both kinds are needed. Give at least 2 classes, and 2 images of one of them."
        )
    return n_same, n_different


@torch.inference_mode()
def score_pairs(
    twin: TwinNetwork, embeddings: Tensor, labels: IntArray, most: int = MOST_PAIRS, seed: int = 0
) -> PairScores:
    """Score every pair of images once, in bounded memory.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``.
        most: if there are more pairs of one kind, same or different, about this many are drawn at random.

    Raises:
        DataError: there is no same pair, or no different pair.
    """
    n = len(labels)
    n_same, n_different = count_pairs(labels)
    of_same, of_different = min(1.0, most / n_same), min(1.0, most / n_different)
    rng = np.random.default_rng(seed)
    parts = []
    rows = max(1, PAIRS_AT_ONCE // n)
    for start in range(0, n, rows):
        block = pair_logits(twin, embeddings[start : start + rows], embeddings[start:]).numpy()
        first, second = np.triu_indices(len(block), 1, block.shape[1])
        if min(of_same, of_different) < 1:
            is_same = labels[first + start] == labels[second + start]
            kept = rng.random(len(first)) < np.where(is_same, of_same, of_different)
            first, second = first[kept], second[kept]
        similarity = torch.sigmoid(-torch.from_numpy(block[first, second]).double()).numpy()
        parts.append((similarity, first + start, second + start))
    similarity, first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PairScores(similarity, first, second, labels)


def pooled(sets: Sequence[PairScores]) -> PairScores:
    """Join the pairs of several sets. Pairs across sets are left out, because they would be too easy."""
    image_offsets = np.cumsum([0, *(len(one.labels) for one in sets)])
    class_offsets = np.cumsum([0, *(int(one.labels.max(initial=-1)) + 1 for one in sets)])
    return PairScores(
        np.concatenate([one.similarity for one in sets]),
        np.concatenate([one.first + o for one, o in zip(sets, image_offsets, strict=False)]),
        np.concatenate([one.second + o for one, o in zip(sets, image_offsets, strict=False)]),
        np.concatenate([one.labels + o for one, o in zip(sets, class_offsets, strict=False)]),
    )
