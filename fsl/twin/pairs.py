"""Draw training batches: images, and the pairs of them that the loss sees.

There are two ways: the article's random pairs, and all pairs of P classes x K images. The second gives 2,016
pairs for the 64 forward passes that the first needs for 32 pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import SettingsError
from fsl.base.types import Float32Array, IntArray


@dataclass(frozen=True)
class PairBatch:
    """The article's Figure 1: two rows of images and the labels between them.

    Attributes:
        left: int64 ``(n_pairs,)``, rows of the image set.
        right: int64 ``(n_pairs,)``.
        difference: float32 ``(n_pairs,)``, 0 = same class, 1 = different class.
    """

    left: IntArray
    right: IntArray
    difference: Float32Array


@dataclass(frozen=True)
class ClassBatch:
    """P classes x K images.

    Attributes:
        rows: int64 ``(P * K,)``, rows of the image set.
        slots: int64 ``(P * K,)``, 0 to P - 1: the class of each row within the batch.
    """

    rows: IntArray
    slots: IntArray


class ClassIndex:
    """The rows of each class with at least two images; fewer make no same pair.

    Classes are grouped by the part of their names before the first "/": the characters of one alphabet, the
    classes of one data set.

    Args:
        labels: int64 ``(N,)``, positions in ``class_names``.
        class_names: all names.

    Attributes:
        rows: int64 arrays, one per class.
        groups: int64 arrays of positions in ``rows``, one per group.

    Raises:
        SettingsError: fewer than two classes have two images.
    """

    def __init__(self, labels: IntArray, class_names: Sequence[str]) -> None:
        by_class = [np.flatnonzero(labels == label) for label in range(len(class_names))]
        usable = [i for i, rows in enumerate(by_class) if len(rows) >= 2]
        if len(usable) < 2:
            raise SettingsError(
                f"Training needs at least 2 classes with 2 or more images each; this data has {len(usable)}."
            )
        self.rows = [by_class[i] for i in usable]
        group_of = np.array(
            [class_names[i].partition("/")[0] if "/" in class_names[i] else "" for i in usable]
        )
        self.groups = [np.flatnonzero(group_of == group) for group in np.unique(group_of)]

    def __len__(self) -> int:
        return len(self.rows)


def random_pairs(index: ClassIndex, n_pairs: int, rng: np.random.Generator) -> PairBatch:
    """Draw the article's batch: half same pairs (two different images), half different pairs.

    Args:
        index: rows by class.
        n_pairs: number of pairs; an odd one out is a different pair.
        rng: source of all choices.
    """
    left = np.empty(n_pairs, np.int64)
    right = np.empty(n_pairs, np.int64)
    difference = np.ones(n_pairs, np.float32)
    difference[: n_pairs // 2] = 0
    rng.shuffle(difference)
    for i, different in enumerate(difference):
        if different:
            a, b = rng.choice(len(index), 2, replace=False)
            left[i], right[i] = rng.choice(index.rows[a]), rng.choice(index.rows[b])
        else:
            left[i], right[i] = rng.choice(index.rows[rng.integers(len(index))], 2, replace=False)
    return PairBatch(left, right, difference)


def class_batch(
    index: ClassIndex,
    n_classes: int,
    n_images: int,
    rng: np.random.Generator,
    focus: float = 0.0,
    focus_groups: int = 1,
) -> ClassBatch:
    """Draw P classes x K images; fewer classes if there are not enough.

    Args:
        index: rows by class.
        n_classes: P requested.
        n_images: K; a class with fewer images gives all it has.
        rng: source of all choices.
        focus: share of the classes that come from few groups, 0 to 1.
        focus_groups: the number of these groups.
    """
    chosen = choose_classes(index, min(n_classes, len(index)), rng, focus, focus_groups)
    rows = [rng.choice(index.rows[c], min(n_images, len(index.rows[c])), replace=False) for c in chosen]
    slots = np.repeat(np.arange(len(chosen)), [len(r) for r in rows])
    return ClassBatch(np.concatenate(rows), slots)


def choose_classes(
    index: ClassIndex, n_classes: int, rng: np.random.Generator, focus: float, focus_groups: int
) -> IntArray:
    """Draw different classes for a batch; arguments as for ``class_batch``.

    Returns:
        int64 ``(n_classes,)``, positions in ``index.rows``; if the groups drawn have too few classes, the
        rest comes from all groups.
    """
    if not focus or len(index.groups) < 2:
        return rng.choice(len(index), n_classes, replace=False)
    groups = rng.choice(len(index.groups), min(focus_groups, len(index.groups)), replace=False)
    pool = np.concatenate([index.groups[g] for g in groups])
    focused = rng.choice(pool, min(round(focus * n_classes), len(pool)), replace=False)
    others = np.setdiff1d(np.arange(len(index)), focused)
    return np.concatenate([focused, rng.choice(others, n_classes - len(focused), replace=False)])


def all_pairs(slots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return every pair of a batch once.

    Args:
        slots: int ``(n,)``, the class of each image.

    Returns:
        ``first``, ``second``: int64 ``(n * (n - 1) / 2,)``, positions in the batch, first < second;
        ``difference``: float32 of the same length.
    """
    n = len(slots)
    first, second = torch.triu_indices(n, n, offset=1, device=slots.device)
    return first, second, (slots[first] != slots[second]).float()
