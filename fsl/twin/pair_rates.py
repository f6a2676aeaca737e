"""Measured error rates of "same or different?", compact enough for a checkpoint's header.

Two tables of quantiles, of the similarities of same and of different pairs, say for every threshold how many
pairs of different classes would be called the same, and how many of one class different.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from fsl.base.errors import SettingsError
from fsl.base.types import Float64Array, IntArray

_TAIL = (0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075)
_MIDDLE = tuple(round(0.01 * i, 2) for i in range(1, 100))
LEVELS: tuple[float, ...] = (*_TAIL, *_MIDDLE, *(round(1 - p, 4) for p in reversed(_TAIL)))
"""The shares at which quantiles are kept: finest where small error rates are read off."""


def _require_number(name: str, value: object) -> None:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SettingsError(f"{name} is {value!r}; it must be a number.")


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs given about the same chance of being the same.

    Attributes:
        predicted: mean chance given, in [0, 1].
        observed: share of them that were the same, in [0, 1].
        n: pairs.
    """

    predicted: float
    observed: float
    n: int

    def __post_init__(self) -> None:
        for name in ("predicted", "observed", "n"):
            _require_number(f"a reliability bin's {name}", getattr(self, name))


@dataclass(frozen=True)
class PairRates:
    """How often a threshold on the similarity of two images errs, measured on classes held out of training.

    Attributes:
        same: similarities of pairs of one class at the quantiles ``LEVELS``, in [0, 1], rising.
        different: of pairs of two classes, likewise.
        threshold: where both error rates are equal; page and commands use 1% false accepts unless this or
            another is wished.
        equal_error_rate: both rates there, in [0, 1].
        equal_error_interval: its 95% interval, by a bootstrap over classes.
        auc: area under the ROC curve, in [0, 1].
        slope: with ``offset``, turns a similarity into a chance, see ``chance_same``.
        offset: likewise.
        reliability: chances against what happened, each measured on classes that slope and offset were not
            fitted on.
        n_same: same pairs measured.
        n_different: different pairs measured.
        n_classes: classes they are of.
        n_class_pairs: pairs of different classes compared, on which the trust in small rates rests.
        fitted_on: the data, in words.
        false_accept_high: the upper end of the 95% interval of the false-accept rate, by a bootstrap over
            classes, at the thresholds ``different``; empty in files of earlier versions.
        familiar: whether the network learned from these classes, if only from other images of them.

    Raises:
        SettingsError: a table has the wrong length, does not rise or leaves [0, 1]; a number is none.
    """

    same: tuple[float, ...]
    different: tuple[float, ...]
    threshold: float
    equal_error_rate: float
    equal_error_interval: tuple[float, float]
    auc: float
    slope: float
    offset: float
    reliability: tuple[ReliabilityBin, ...]
    n_same: int
    n_different: int
    n_classes: int
    n_class_pairs: int
    fitted_on: str = ""
    false_accept_high: tuple[float, ...] = ()
    familiar: bool = False

    def __post_init__(self) -> None:
        for name in ("same", "different"):
            table = np.asarray(getattr(self, name), np.float64)
            if table.shape != (len(LEVELS),) or not (np.diff(table) >= 0).all():
                raise SettingsError(f"The table {name!r} must hold {len(LEVELS)} rising similarities.")
            if table[0] < 0 or table[-1] > 1:
                raise SettingsError(f"The table {name!r} must hold similarities from 0 to 1.")
        for name in ("threshold", "equal_error_rate", "auc", "slope", "offset"):
            _require_number(name, getattr(self, name))
        if not 0 <= self.threshold <= 1:
            raise SettingsError(f"threshold is {self.threshold}; it must be 0 to 1.")
        for name in ("n_same", "n_different", "n_classes", "n_class_pairs"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise SettingsError(f"{name} is {value!r}; it must be a whole number from 1.")
        if len(self.false_accept_high) not in (0, len(LEVELS)):
            raise SettingsError(f"The table 'false_accept_high' must hold {len(LEVELS)} rates, or none.")
        if not all(0 <= rate <= 1 for rate in self.false_accept_high):
            raise SettingsError("The table 'false_accept_high' must hold rates from 0 to 1.")
        low, high = self.equal_error_interval
        if not 0 <= low <= high <= 1:
            raise SettingsError(f"equal_error_interval is {low} to {high}; it must lie between 0 and 1.")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The rates in a checkpoint's header; fields of later versions are left out.

        Raises:
            SettingsError, TypeError, KeyError: the values do not fit.
        """
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for name in ("same", "different", "equal_error_interval", "false_accept_high"):
            known[name] = tuple(known.get(name, ()))
        known["reliability"] = tuple(ReliabilityBin(**one) for one in known["reliability"])
        return cls(**known)

    @property
    def lowest_rate(self) -> float:
        """Return the lowest false-accept rate that this many classes can measure."""
        return lowest_measurable_rate(self.n_class_pairs)

    def false_accept(self, threshold: float) -> float:
        """Share of different pairs called the same from ``threshold`` on, in [0, 1]."""
        return 1 - _share_below(self.different, threshold)

    def highest_false_accept(self, threshold: float) -> float | None:
        """What ``false_accept`` may be with other classes: the upper end of its 95% interval, in [0, 1].

        Returns:
            none in files of earlier versions, for which it was never measured.
        """
        if not self.false_accept_high:
            return None
        return float(np.interp(_share_below(self.different, threshold), LEVELS, self.false_accept_high))

    def false_reject(self, threshold: float) -> float:
        """Share of same pairs called different below ``threshold``, in [0, 1]."""
        return _share_below(self.same, threshold)

    def threshold_at(self, false_accept: float) -> float:
        """The threshold, in [0, 1], at which this share of different pairs is called the same.

        Raises:
            SettingsError: the share is not 0 to 1.
        """
        if not 0 <= false_accept <= 1:
            raise SettingsError(f"The false-accept rate is {false_accept}; it must be 0 to 1.")
        return float(np.interp(1 - false_accept, LEVELS, self.different))

    def chance_same(self, similarity: float) -> float:
        """The chance, in (0, 1), that a pair of this similarity is the same, where half of all pairs are."""
        return float(chances(similarity, self.slope, self.offset))

    def curve(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """The ROC curve: thresholds, falling, and the false-accept and true-accept rates there, rising."""
        thresholds = np.unique([0.0, 1.0, *self.same, *self.different])[::-1]
        accepted = np.array([[1 - _share_below(t, x) for x in thresholds] for t in self._tables])
        accepted[:, -1] = 1  # from 0 on everything counts as the same
        return thresholds, accepted[1], accepted[0]

    def histogram(self, n_bins: int = 50) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Edges ``(n_bins + 1,)`` from 0 to 1, and the shares ``(n_bins,)`` of same and different pairs."""
        edges = np.linspace(0, 1, n_bins + 1)
        below = np.array([[_share_below(t, x) for x in edges] for t in self._tables])
        below[:, 0], below[:, -1] = 0, 1
        same, different = np.diff(below, axis=1)
        return edges, same, different

    def reliability_by_chance(self, n_bins: int = 10) -> tuple[Float64Array, Float64Array, IntArray]:
        """The bins of ``reliability`` in their places, equal parts of [0, 1].

        Returns:
            ``(n_bins,)`` each: chances given and shares that were the same, NaN where there were no pairs;
            and how many there were.
        """
        predicted, observed = (np.full(n_bins, np.nan) for _ in range(2))
        counts = np.zeros(n_bins, np.int64)
        for one in self.reliability:
            place = min(int(one.predicted * n_bins), n_bins - 1)
            predicted[place], observed[place], counts[place] = one.predicted, one.observed, one.n
        return predicted, observed, counts

    @property
    def _tables(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.same, self.different


def lowest_measurable_rate(n_class_pairs: int) -> float:
    """The lowest error rate that so many pairs of classes can speak for, in [0, 1].

    If none of n independent trials fails, the rate may still be up to 3 / n (95%; the "rule of three").
    Image pairs are not independent, those of the same two classes least of all: pairs of classes count. As
    each class is in many of them this is the least to ask; what other classes would give is said by the
    bootstrap over classes (``PairRates.highest_false_accept``).
    """
    return min(1.0, 3 / n_class_pairs) if n_class_pairs else 1.0


def chances(similarity: float | Float64Array, slope: float, offset: float) -> Float64Array:
    """Chances of being the same, of similarities in [0, 1], by a logistic curve over their logits."""
    return np.asarray(1 / (1 + np.exp(-(slope * logit(similarity) + offset))))


def quantiles(similarities: Float64Array) -> tuple[float, ...]:
    """Similarities ``(n,)``, at least one, as a table at ``LEVELS``."""
    table = np.maximum.accumulate(np.quantile(similarities, LEVELS))
    return tuple(float(f"{value:.9g}") for value in table)


def logit(similarity: float | Float64Array) -> Float64Array:
    """``log(s / (1 - s))`` of similarities in [0, 1], kept finite."""
    clipped = np.clip(similarity, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def _share_below(table: Sequence[float], threshold: float) -> float:
    """The share of similarities below ``threshold``; a value that many pairs share is not below itself."""
    values = np.asarray(table)
    if threshold <= values[0]:
        return 0.0
    if threshold > values[-1]:
        return 1.0
    after = int(np.searchsorted(values, threshold, side="left"))  # values[after - 1] < threshold
    low, high = values[after - 1], values[after]
    share = (threshold - low) / (high - low)
    return float(LEVELS[after - 1] + share * (LEVELS[after] - LEVELS[after - 1]))
