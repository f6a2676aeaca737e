"""Quality measures of embeddings and maps, because a pretty map need not be a faithful one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import Float32Array, IntArray
from fsl.embedding.labelled import NO_CLASS
from fsl.twin.inference import PAIRS_AT_ONCE, similarities
from fsl.twin.network import TwinNetwork

TRUST_NEIGHBOURS = 5
_ONE_CLASS = "It takes at least two classes."
_ALL_ALONE = "No class has two images."


@dataclass(frozen=True)
class Measure:
    """A number, or the reason that there is none.

    Attributes:
        value: the number; None if it is not defined.
        reason: why it is not defined, as a sentence; else "".
    """

    value: float | None
    reason: str = ""


@dataclass(frozen=True)
class Quality:
    """How well classes are separated, and how faithful the map is.

    Attributes:
        silhouette: silhouette coefficient of the classes, by the distances, -1 to 1; 0 = they overlap.
        neighbour_accuracy: share of images whose nearest other image is of their class, in [0, 1].
        within: mean similarity of two images of one class, in [0, 1].
        between: mean similarity of two images of different classes, in [0, 1].
        trustworthiness: how far neighbours on the map are real neighbours, in [0, 1].
    """

    silhouette: Measure
    neighbour_accuracy: Measure
    within: Measure
    between: Measure
    trustworthiness: Measure


def measure(
    twin: TwinNetwork, embeddings: Tensor, distances: Float32Array, labels: IntArray, points: Float32Array
) -> Quality:
    """Measure everything. Images without a class count for the trustworthiness only.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(n, D)``.
        distances: ``(n, n)``, by the metric of the map.
        labels: int64 ``(n,)``, ``NO_CLASS`` for none.
        points: ``(n, 2 or 3)``, the map.
    """
    kept = np.flatnonzero(labels != NO_CLASS)
    is_all = len(kept) == len(labels)
    known = labels[kept]
    among = distances if is_all else distances[np.ix_(kept, kept)]
    within, between = mean_similarities(twin, embeddings[torch.from_numpy(kept)], known)
    return Quality(
        silhouette(among, known),
        neighbour_accuracy(among, known),
        within,
        between,
        trustworthiness(distances, points),
    )


def silhouette(distances: Float32Array, labels: IntArray) -> Measure:
    """Return the mean silhouette coefficient (Rousseeuw, 1987; scikit-learn's), -1 to 1.

    Args:
        distances: ``(n, n)``.
        labels: ``(n,)``, one class each.
    """
    n_classes = len(np.unique(labels))
    if n_classes < 2:
        return Measure(None, _ONE_CLASS)
    if n_classes == len(labels):
        return Measure(None, _ALL_ALONE)
    from sklearn.metrics import silhouette_score

    return Measure(float(silhouette_score(distances, labels, metric="precomputed")))


def neighbour_accuracy(distances: Float32Array, labels: IntArray) -> Measure:
    """Return the leave-one-out accuracy of the nearest neighbour, in [0, 1].

    Args:
        distances: ``(n, n)``.
        labels: ``(n,)``; the only image of a class is not tested, because no neighbour could be correct.
    """
    classes, slots, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return Measure(None, _ONE_CLASS)
    tested = np.flatnonzero(counts[slots] > 1)
    if not len(tested):
        return Measure(None, _ALL_ALONE)
    right = 0
    for rows in _chunks(len(tested), len(labels)):
        chunk = distances[tested[rows]].copy()
        chunk[np.arange(len(chunk)), tested[rows]] = np.inf
        right += int((labels[chunk.argmin(1)] == labels[tested[rows]]).sum())
    return Measure(right / len(tested))


def mean_similarities(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> tuple[Measure, Measure]:
    """Return the mean similarity of two images, within a class and between classes, in [0, 1].

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(n, D)``.
        labels: ``(n,)``.
    """
    totals = {True: 0.0, False: 0.0}
    pairs = {True: 0, False: 0}
    for rows in _chunks(len(labels), len(labels)):
        values = similarities(twin, embeddings[rows], embeddings).numpy().astype(np.float64)
        same = labels[rows, None] == labels[None, :]
        others = np.ones_like(same)
        others[np.arange(len(values)), np.arange(len(labels))[rows]] = False
        for is_same, chosen in ((True, same & others), (False, ~same)):
            totals[is_same] += float(values[chosen].sum())
            pairs[is_same] += int(chosen.sum())
    within = Measure(totals[True] / pairs[True]) if pairs[True] else Measure(None, _ALL_ALONE)
    between = Measure(totals[False] / pairs[False]) if pairs[False] else Measure(None, _ONE_CLASS)
    return within, between


def trustworthiness(distances: Float32Array, points: Float32Array, k: int = TRUST_NEIGHBOURS) -> Measure:
    """Return how far neighbours on the map are real neighbours, in [0, 1] (Venna and Kaski, 2001).

    The same as scikit-learn's, but computed in blocks, which saves a gigabyte for 5,000 images.

    Args:
        distances: ``(n, n)``, the real ones.
        points: ``(n, 2 or 3)``, the map.
        k: number of neighbours; fewer for fewer than 3 k + 1 images.
    """
    n = len(points)
    if n < 4:
        return Measure(None, "It takes at least 4 images.")
    k = min(k, (n - 1) // 3)
    penalty = 0
    for rows in _chunks(n, n):
        own = np.arange(n)[rows]
        nearest = _nearest_on_map(points, own, k)
        true = distances[rows].copy()
        true[np.arange(len(own)), own] = -np.inf
        for column in nearest.T:
            rank = (true < np.take_along_axis(true, column[:, None], 1)).sum(1)
            penalty += int(np.maximum(rank - k, 0).sum())
    return Measure(1.0 - penalty * 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)))


def _nearest_on_map(points: Float32Array, own: IntArray, k: int) -> IntArray:
    """Return the positions ``(len(own), k)`` of the nearest other points."""
    apart = sum((points[own, axis, None] - points[None, :, axis]) ** 2 for axis in range(points.shape[1]))
    apart = np.asarray(apart)
    apart[np.arange(len(own)), own] = np.inf
    return np.argpartition(apart, k - 1, axis=1)[:, :k].astype(np.int64)


def _chunks(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, PAIRS_AT_ONCE // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
