"""Which queries to label next: those from which an example would help most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction


def doubts(predictions: Sequence[Prediction]) -> list[float]:
    """Return how uncertain each answer is, in [0, 1].

    For a class it is twice the runner-up's share of the two best probabilities; for "unknown" it is how close
    the best similarity comes to the limit.
    """
    if not predictions:
        return []
    probabilities = torch.tensor([list(p.scores.values()) for p in predictions])
    return [
        min(1.0, max(p.class_similarity.values()) / p.threshold) if p.unknown else of_class
        for p, of_class in zip(predictions, doubt_of_class(probabilities).tolist(), strict=True)
    ]


def doubt_of_class(probabilities: Tensor) -> Tensor:
    """Return how uncertain a choice of class is, ``(n,)`` in [0, 1], from probabilities ``(n, N)``, N > 1."""
    best = probabilities.topk(2, dim=1).values
    return 2 * best[:, 1] / best.sum(1)


def label_next(queries: Tensor, support: Tensor, doubts: Tensor, most: int) -> list[int]:
    """Choose queries that are uncertain, and different from the examples and from each other.

    Each choice has the largest product of its doubt and its distance from the nearest example or earlier
    choice, so that near copies of one uncertain picture are not asked about one after another.

    Args:
        queries: float ``(n_query, D)``, embeddings.
        support: float ``(n_support, D)``, embeddings of the examples.
        doubts: float ``(n_query,)``, each in [0, 1]; 0 for queries that are labelled already.
        most: number of queries to choose.

    Returns:
        positions of the chosen queries, the most useful first; only those with a doubt above 0.
    """
    unit = F.normalize(queries.float(), dim=1)
    nearest = (unit @ F.normalize(support.float(), dim=1).T).amax(1)
    chosen: list[int] = []
    for _ in range(min(most, int((doubts > 0).sum()))):
        gain = doubts * (1 - nearest)
        gain[doubts <= 0] = -1
        gain[chosen] = -1
        best = int(gain.argmax())
        chosen.append(best)
        nearest = torch.maximum(nearest, unit @ unit[best])
    return chosen
