"""Random embeddings in groups, and scores of pairs, with known properties."""

from __future__ import annotations

import numpy as np
import torch

from fsl.base.types import IntArray
from fsl.fewshot.pair_scores import PairScores
from tests.helpers.networks import checkpoint


def random_embeddings(n: int, dim: int = 8, seed: int = 0) -> torch.Tensor:
    """Return float32 ``(n, dim)`` of a normal distribution."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


def groups(n_groups: int = 3, each: int = 12, seed: int = 0) -> tuple[torch.Tensor, IntArray]:
    """Return embeddings of 8 numbers in groups far apart, and their labels."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 8, (n_groups, 1, 8))
    points = (centres + rng.normal(size=(n_groups, each, 8))).reshape(-1, 8).astype(np.float32)
    return torch.from_numpy(points), np.repeat(np.arange(n_groups), each)


def clusters(
    spread: float, n_classes: int = 6, per_class: int = 12, seed: int = 0
) -> tuple[torch.Tensor, IntArray]:
    """Return embeddings that fit :func:`tests.helpers.networks.checkpoint`, and their labels.

    Args:
        spread: standard deviation within a class; that of the centres is 1.
        n_classes: number of classes.
        per_class: embeddings of each class.
        seed: of the random numbers.
    """
    twin = checkpoint().twin
    torch.manual_seed(seed)
    centres = torch.randn(n_classes, 1, twin.embedding_dim)
    points = centres + spread * torch.randn(n_classes, per_class, twin.embedding_dim)
    return points.flatten(0, 1), np.repeat(np.arange(n_classes), per_class)


def pair_scores(
    n_classes: int = 12, per_class: int = 6, gap: float = 1.5, seed: int = 0, digits: int = 3
) -> PairScores:
    """Return scores of all pairs; same pairs have a logit higher by ``gap`` on average.

    Args:
        n_classes: number of classes.
        per_class: images of each class.
        gap: distance of two normal distributions of logits, whose standard deviation is 1.
        seed: of the random numbers.
        digits: of the similarities; with few there are ties.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_classes), per_class)
    first, second = np.triu_indices(len(labels), 1)
    same = labels[first] == labels[second]
    raw = rng.normal(0, 1, len(first)) + gap * same
    return PairScores(np.round(1 / (1 + np.exp(-raw)), digits), first, second, labels)
