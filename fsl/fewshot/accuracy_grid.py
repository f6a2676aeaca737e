"""Accuracy by number of ways and shots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl.base.types import IntArray
from fsl.config import EpisodeConfig
from fsl.fewshot.answers import Contender
from fsl.fewshot.evaluate import evaluate


@dataclass(frozen=True)
class GridCell:
    """Accuracy at one number of ways and shots; None if there are too few images."""

    n_way: int
    n_shot: int
    accuracy: float | None
    ci95: float | None


def accuracy_grid(
    contender: Contender, labels: IntArray, ways: Sequence[int], shots: Sequence[int], config: EpisodeConfig
) -> Iterator[GridCell]:
    """Measure accuracy for all combinations of ways and shots.

    Args:
        contender: the network to test.
        labels: int64 ``(N,)``.
        ways: numbers of classes.
        shots: numbers of support images per class.
        config: supplies queries, episodes and seed.

    Yields:
        the cells, row by row.
    """
    counts = np.unique(labels, return_counts=True)[1]
    for n_way in ways:
        for n_shot in shots:
            if (counts >= n_shot + config.n_query).sum() < n_way:
                yield GridCell(n_way, n_shot, None, None)
                continue
            settings = replace(config, n_way=n_way, n_shot=n_shot)
            result = evaluate(
                contender.twin, contender.embeddings, labels, settings, contender.rule, contender.as_support
            )
            yield GridCell(n_way, n_shot, result.accuracy, result.ci95)
