"""ROC curves of pairs, and their bootstrap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fsl.base.errors import DataError
from fsl.base.types import Float64Array, IntArray
from fsl.fewshot.pair_scores import PairScores

Unit = Literal["classes", "images"]


@dataclass(frozen=True, eq=False)
class Roc:
    """Error rates at the m thresholds that make a difference.

    Attributes:
        threshold: float64 ``(m,)``, falling; the first accepts nothing.
        false_accept: float64 ``(m,)``, rising from 0 to 1.
        true_accept: float64 ``(m,)``, likewise.
    """

    threshold: Float64Array
    false_accept: Float64Array
    true_accept: Float64Array


def roc(scores: PairScores) -> Roc:
    """Return the ROC curve, by scikit-learn."""
    from sklearn.metrics import roc_curve

    false_accept, true_accept, threshold = roc_curve(scores.same, scores.similarity, drop_intermediate=False)
    return Roc(threshold, false_accept, true_accept)


def area(curve: Roc) -> float:
    """Return the area under the curve: how often a same pair is more similar than a different pair."""
    from sklearn.metrics import auc

    return float(auc(curve.false_accept, curve.true_accept))


def equal_error(curve: Roc) -> tuple[float, float]:
    """Return the equal error rate and its threshold.

    At this threshold, the share of different pairs accepted equals the share of same pairs rejected.

    Returns:
        rate and threshold, both in [0, 1], interpolated between the two neighbouring points.
    """
    gap = curve.false_accept - (1 - curve.true_accept)  # rises from -1, where nothing is accepted, to 1
    after = int(np.searchsorted(gap, 0.0))
    if gap[after] == 0:
        return float(curve.false_accept[after]), _in_unit(curve.threshold[after])
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    rate = _between(curve.false_accept, after, share)
    if not np.isfinite(curve.threshold[after - 1]):  # the first threshold accepts nothing
        return rate, _in_unit(curve.threshold[after])
    return rate, _in_unit(_between(curve.threshold, after, share))


def _between(values: Float64Array, after: int, share: float) -> float:
    return float(values[after - 1] + share * (values[after] - values[after - 1]))


def _in_unit(value: float) -> float:
    return float(min(max(value, 0.0), 1.0))


def points_at(curve: Roc, false_accepts: Sequence[float]) -> IntArray:
    """Return the points on the curve with the lowest thresholds that keep these false-accept rates."""
    return np.searchsorted(curve.false_accept, np.asarray(false_accepts, np.float64), side="right") - 1


def resampled(scores: PairScores, n: int, unit: Unit, seed: int) -> Iterator[Roc]:
    """Yield ROC curves of bootstrap draws: what the result would be with other classes or images.

    Classes (or images) are drawn with replacement. A pair counts as often as both of its ends were drawn; a
    pair of one class as often as the class. Source: Bolle, Ratha and Pankanti, "Error analysis of pattern
    recognition systems: the subsets bootstrap", 2004.

    Args:
        scores: pairs of both kinds.
        n: number of draws; one with only one kind of pair is drawn again.
        unit: what is drawn.

    Raises:
        DataError: too many draws have only one kind of pair.
    """
    units = scores.labels if unit == "classes" else np.arange(len(scores.labels))
    present, unit_of = np.unique(units, return_inverse=True)
    order = np.argsort(-scores.similarity, kind="stable")
    similarity, same = scores.similarity[order], scores.same[order]
    first, second = unit_of[scores.first[order]], unit_of[scores.second[order]]
    # The last of equal similarities: a threshold accepts all of them or none.
    ends = np.flatnonzero(np.append(np.diff(similarity) != 0, True))
    threshold = np.concatenate([[np.inf], similarity[ends]])
    rng = np.random.default_rng(seed)
    done = failed = 0
    while done < n:
        times = np.bincount(rng.integers(len(present), size=len(present)), minlength=len(present))
        weight = np.where(first == second, times[first], times[first] * times[second]).astype(np.float64)
        accepted_same = np.cumsum(weight * same)
        accepted = np.cumsum(weight)
        n_same, n_different = accepted_same[-1], accepted[-1] - accepted_same[-1]
        if not n_same or not n_different:
            failed += 1
            if failed > 100 + 10 * n:
                raise DataError("Too few classes or images for a bootstrap interval. Add some of each kind.")
            continue
        done += 1
        true = np.concatenate([[0.0], accepted_same[ends] / n_same])
        false = np.concatenate([[0.0], (accepted - accepted_same)[ends] / n_different])
        yield Roc(threshold, false, true)
