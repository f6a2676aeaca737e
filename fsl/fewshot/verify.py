"""Same or different? Verification: what a threshold on the similarity of a pair is worth.

A pair is accepted ("the same") if its similarity reaches a threshold. Accepted pairs of different classes are
false accepts; rejected pairs of one class are false rejects. The equal error rate is where both rates are
equal. Pairs share images and classes, so no interval here treats them as independent: the bootstrap draws
whole classes or images, and their number limits what it can say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fsl.base.types import Float64Array, IntArray
from fsl.fewshot.pair_scores import PairScores
from fsl.fewshot.roc import Roc, Unit, area, equal_error, points_at, resampled, roc
from fsl.fewshot.scores import check_false_accept
from fsl.twin.pair_rates import lowest_measurable_rate

Interval = tuple[float, float]
FALSE_ACCEPT_RATES = (0.01, 0.001)


@dataclass(frozen=True)
class ThresholdAt:
    """The threshold for a requested false-accept rate, and the error rates there.

    Attributes:
        requested: the requested false-accept rate.
        threshold: the lowest one that keeps the false-accept rate; in [0, 1]. It is 1 if none does, because
            too many different pairs have similarity 1.
        threshold_interval: 95%, by the bootstrap: where it may lie with other classes or images.
        false_accept: measured there.
        false_accept_interval: 95%, of the rate at this threshold.
        true_accept: share of same pairs accepted there.
        true_accept_interval: 95%, of that share with the threshold chosen anew for the requested rate.
        lowest_rate: the lowest rate that this many classes can measure (``lowest_measurable_rate``).
    """

    requested: float
    threshold: float
    threshold_interval: Interval
    false_accept: float
    false_accept_interval: Interval
    true_accept: float
    true_accept_interval: Interval
    lowest_rate: float

    @property
    def keeps_rate(self) -> bool:
        """Return whether the false-accept rate at the threshold is no higher than requested."""
        return self.false_accept <= self.requested

    @property
    def is_measurable(self) -> bool:
        """Return whether there are enough classes to measure the requested rate."""
        return self.requested >= self.lowest_rate


@dataclass(frozen=True)
class Verification:
    """How well same and different pairs are told apart.

    Attributes:
        auc: area under the ROC curve, in [0, 1].
        equal_error_rate: in [0, 1].
        equal_error_interval: 95%.
        equal_error_threshold: in [0, 1].
        at: one entry per requested false-accept rate.
        n_same: pairs of one class.
        n_different: pairs of two classes.
        n_classes: number of classes.
        n_class_pairs: number of pairs of classes.
        has_intervals: whether the draws can differ; otherwise every interval is a single point, which says
            nothing. It takes two draws, and three classes if whole classes are drawn.
    """

    auc: float
    equal_error_rate: float
    equal_error_interval: Interval
    equal_error_threshold: float
    at: tuple[ThresholdAt, ...]
    n_same: int
    n_different: int
    n_classes: int
    n_class_pairs: int
    has_intervals: bool = True


def verify(
    scores: PairScores,
    false_accept_rates: Sequence[float] = FALSE_ACCEPT_RATES,
    n_bootstrap: int = 200,
    unit: Unit = "classes",
    seed: int = 0,
) -> Verification:
    """Measure the ROC area, the equal error rate and thresholds, with 95% intervals.

    Args:
        scores: pairs of both kinds.
        false_accept_rates: requested rates, each in (0, 1].
        n_bootstrap: draws behind each interval.
        unit: what the bootstrap draws: whole classes (as if other people were seen), or images.

    Raises:
        SettingsError: a rate is out of range.
    """
    for rate in false_accept_rates:
        check_false_accept(rate)
    curve = roc(scores)
    errors, drawn = _bootstrap(resampled(scores, n_bootstrap, unit, seed), curve, false_accept_rates)
    rate, threshold = equal_error(curve)
    n_same = int(scores.same.sum())
    n_class_pairs, n_classes = scores.n_class_pairs, len(np.unique(scores.labels))
    return Verification(
        auc=area(curve),
        equal_error_rate=rate,
        equal_error_interval=interval(errors),
        equal_error_threshold=threshold,
        at=_thresholds(curve, false_accept_rates, drawn, n_class_pairs),
        n_same=n_same,
        n_different=len(scores) - n_same,
        n_classes=n_classes,
        n_class_pairs=n_class_pairs,
        has_intervals=n_bootstrap > 1 and (unit == "images" or n_classes > 2),
    )


def _lowest_thresholds(curve: Roc, false_accept_rates: Sequence[float]) -> Float64Array:
    return np.clip(curve.threshold[points_at(curve, false_accept_rates)], 0.0, 1.0)


def _points(curve: Roc, thresholds: Float64Array) -> IntArray:
    """Return the points on the curve at thresholds, which need not be among its own."""
    return np.searchsorted(-curve.threshold, -thresholds, side="right") - 1


def _thresholds(
    curve: Roc, false_accept_rates: Sequence[float], drawn: Float64Array, n_class_pairs: int
) -> tuple[ThresholdAt, ...]:
    thresholds = _lowest_thresholds(curve, false_accept_rates)
    points = _points(curve, thresholds)
    return tuple(
        ThresholdAt(
            requested=rate,
            threshold=float(thresholds[i]),
            threshold_interval=interval(drawn[:, 0, i]),
            false_accept=float(curve.false_accept[point]),
            false_accept_interval=interval(drawn[:, 1, i]),
            true_accept=float(curve.true_accept[point]),
            true_accept_interval=interval(drawn[:, 2, i]),
            lowest_rate=lowest_measurable_rate(n_class_pairs),
        )
        for i, (rate, point) in enumerate(zip(false_accept_rates, points, strict=True))
    )


def _bootstrap(
    draws: Iterator[Roc], curve: Roc, false_accept_rates: Sequence[float]
) -> tuple[Float64Array, Float64Array]:
    """Measure bootstrap draws, one at a time because a curve may take 100 MB.

    Returns:
        equal error rates ``(n,)``; and ``(n, 3, n_rates)``: the threshold chosen anew for each rate, the
        false-accept rate at the threshold of ``curve``, and the true-accept rate at the one chosen anew.
    """
    thresholds = _lowest_thresholds(curve, false_accept_rates)
    errors, drawn = [], []
    for draw in draws:
        errors.append(equal_error(draw)[0])
        anew = _lowest_thresholds(draw, false_accept_rates)
        false_accept = draw.false_accept[_points(draw, thresholds)]
        drawn.append(np.stack([anew, false_accept, draw.true_accept[_points(draw, anew)]]))
    return np.asarray(errors), np.asarray(drawn)


def interval(values: Float64Array) -> Interval:
    """Return the middle 95% of ``values``, at least one."""
    low, high = np.quantile(np.asarray(values, np.float64), (0.025, 0.975))
    return float(low), float(high)


def accuracy_at(scores: PairScores, threshold: float) -> float:
    """Return the share of correct answers at a threshold, in [0, 1]; both kinds of pairs weigh the same."""
    accepted, same = scores.similarity >= threshold, scores.same
    return float((accepted[same].mean() + (~accepted[~same]).mean()) / 2)
