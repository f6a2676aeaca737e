"""Find pictures with a label that is likely wrong, and pictures that resemble no other of their class.

Each picture is judged by a classifier fitted to all the others: ridge regression on the twin's embeddings,
whose leave-one-out answers follow from a single fit (the hat matrix). It found more of the planted wrong
labels than nearest neighbours, prototypes and the twin's own rules (``python -m bench check``). The doubt is
the margin by which another class is preferred, as in confident learning (Northcutt et al., 2021).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.fewshot.support_view import seen_from_support
from fsl.twin.inference import PAIRS_AT_ONCE, pair_logits
from fsl.twin.network import TwinNetwork, similarity

_RIDGE = 0.3  # for embeddings of unit length
_LEAST_DOUBT = 0.2
_NEIGHBOURS = 3
_FAR = 3.0  # deviations below the median
_FEWEST = 20  # pictures; among fewer, nobody can say what is usual


@dataclass(frozen=True)
class Suspect:
    """A picture that looks like another class than its own.

    Attributes:
        row: of the picture.
        looks_like: label of that class.
        similarity: to the most similar pictures of that class, in [0, 1].
        doubt: by how much that class is preferred to its own, about 0.2 to 2; higher = more likely wrong.
    """

    row: int
    looks_like: int
    similarity: float
    doubt: float


def suspects(
    twin: TwinNetwork, embeddings: Tensor, labels: Sequence[int], left_out: Collection[int] = ()
) -> list[Suspect]:
    """Return the pictures that look like another class, the most likely wrong labels first.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(n, D)``.
        labels: n labels, from 0.
        left_out: rows that neither serve as evidence nor are judged, such as copies.
    """
    rows = torch.tensor([row for row in range(len(labels)) if row not in left_out], dtype=torch.int64)
    own = torch.tensor(labels, dtype=torch.int64)[rows]
    present, slots = torch.unique(own, return_inverse=True)
    if len(present) < 2:
        return []
    seen, _ = seen_from_support(twin, embeddings[rows], embeddings[rows])
    scores = leave_one_out_scores(F.normalize(seen, dim=1), slots)
    own_scores = scores.gather(1, slots[:, None])
    others = scores.scatter(1, slots[:, None], -torch.inf)
    best, other = others.max(1)
    doubts = best - own_scores[:, 0]
    # The only picture of a class: nothing is left to compare it with when it is hidden.
    doubts[torch.bincount(slots)[slots] < 2] = -torch.inf
    ordered = torch.argsort(doubts, descending=True, stable=True)
    found = []
    for i in ordered[doubts[ordered] > _LEAST_DOUBT].tolist():
        members = rows[slots == other[i]]
        found.append(
            Suspect(
                int(rows[i]),
                int(present[other[i]]),
                _similarity_to(twin, embeddings, int(rows[i]), members),
                float(doubts[i]),
            )
        )
    return found


def leave_one_out_scores(embeddings: Tensor, slots: Tensor) -> Tensor:
    """Return what ridge regression, fitted to all other pictures, says of each picture.

    Args:
        embeddings: float ``(n, D)``, of unit length.
        slots: int64 ``(n,)``, classes numbered from 0, each of which occurs.

    Returns:
        float64 ``(n, C)``: 1 for the class a picture belongs to, 0 for the others, up to errors.
    """
    x, n = embeddings.double(), len(slots)
    one_hot = F.one_hot(slots).double()
    mean = one_hot.mean(0)
    targets = one_hot - mean
    if n <= x.shape[1]:
        inverse = torch.linalg.inv(x @ x.T + _RIDGE * torch.eye(n, dtype=x.dtype))
        errors: Tensor = (inverse @ targets) / inverse.diagonal()[:, None]
        return one_hot - errors
    # More pictures than dimensions: the same by the covariance, whose size does not grow with n.
    solved = torch.linalg.solve(x.T @ x + _RIDGE * torch.eye(x.shape[1], dtype=x.dtype), x.T).T
    leverage = (x * solved).sum(1, keepdim=True)
    errors = (targets - x @ (solved.T @ targets)) / (1 - leverage)
    return one_hot - errors


def outliers(embeddings: Tensor, labels: Sequence[int]) -> list[int]:
    """Return the rows of pictures that resemble no other picture of their class, the strangest first.

    Args:
        embeddings: float32 ``(n, D)``. With fewer than 20 pictures there are none.
        labels: n labels; the only picture of a class is no outlier.
    """
    if len(embeddings) < _FEWEST:
        return []
    unit, classes = F.normalize(embeddings, dim=1), torch.tensor(labels)
    nearness = torch.full((len(unit),), torch.nan)
    for label in set(labels):
        rows = torch.nonzero(classes == label).flatten()
        if len(rows) > 1:
            nearness[rows] = _nearness(unit[rows])
    below = nearness.nanmedian() - nearness
    # Measured on the lower half alone, because the distribution is skewed.
    spread = 1.4826 * below[below >= 0].median()
    found = torch.nonzero((below > _FAR * spread) & (spread > 0)).flatten()
    ordered: list[int] = found[torch.argsort(nearness[found], stable=True)].tolist()
    return ordered


def _nearness(unit: Tensor) -> Tensor:
    """Return the mean cosine of each picture to its most similar others; ``(n, D)``, of unit length."""
    n, nearness = len(unit), torch.empty(len(unit))
    step = max(1, PAIRS_AT_ONCE // n)
    for first in range(0, n, step):
        cosines = unit[first : first + step] @ unit.T
        cosines.diagonal(first).fill_(-2.0)  # to itself
        nearest = cosines.topk(min(_NEIGHBOURS, n - 1), dim=1).values
        nearness[first : first + step] = nearest.mean(1)
    return nearness


def _similarity_to(twin: TwinNetwork, embeddings: Tensor, row: int, members: Tensor) -> float:
    """Return the mean similarity of a picture to the most similar of some others."""
    logits = pair_logits(twin, embeddings[row : row + 1], embeddings[members])[0]
    return float(similarity(logits.sort().values[:_NEIGHBOURS]).mean())
