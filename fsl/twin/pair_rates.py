"""Measured error rates of "same or different?", compact enough for a checkpoint's header.

Two tables of quantiles hold the similarities of same and of different pairs. For every threshold they give
the false-accept rate (different pairs called the same) and the false-reject rate (same pairs called
different).

Imports no torch: pages need these before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Self

import numpy as np

from fsl.base.errors import SettingsError
from fsl.base.settings import check_range, check_ranges, require
from fsl.base.types import Float64Array, IntArray

_LOGISTIC = (-1e6, 1e6)  # slope and offset of a logistic function; beyond, products overflow
_TAIL = (0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075)
_HUNDREDTHS = tuple(round(0.01 * i, 2) for i in range(1, 100))
LEVELS: tuple[float, ...] = (*_TAIL, *_HUNDREDTHS, *(round(1 - p, 4) for p in reversed(_TAIL)))
"""The quantiles that a table holds: densest at the ends, where small error rates are read."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs with similar predicted probabilities of being the same.

    Attributes:
        predicted: mean predicted probability, in [0, 1].
        observed: share of these pairs that are the same, in [0, 1].
        n: number of pairs.
    """

    predicted: float
    observed: float
    n: int

    def __post_init__(self) -> None:
        check_ranges(self, "a reliability bin's ", predicted=(-inf, inf), observed=(-inf, inf), n=(-inf, inf))


@dataclass(frozen=True)
class PairRates:
    """How often a similarity threshold errs on pairs of images, measured on held-out classes.

    Attributes:
        same: similarities of pairs of one class at the quantiles ``LEVELS``, in [0, 1], rising.
        different: similarities of pairs of two classes, likewise.
        threshold: where both error rates are equal; the page and the commands use 1% false accepts instead.
        equal_error_rate: both rates there, in [0, 1].
        equal_error_interval: its 95% interval, by a bootstrap over classes.
        auc: area under the ROC curve, in [0, 1].
        slope: with ``offset``, turns a similarity into a probability, see ``chance_same``.
        offset: likewise.
        reliability: predicted against observed frequencies, each on classes that slope and offset were not
            fitted on.
        n_same: same pairs measured.
        n_different: different pairs measured.
        n_classes: classes of these pairs.
        n_class_pairs: pairs of different classes compared; the more, the smaller the rates that can be
            trusted.
        fitted_on: the data, in words.
        false_accept_high: upper end of the 95% interval of the false-accept rate (bootstrap over classes)
            at the thresholds ``different``; empty in files of earlier versions.
        familiar: whether the network was trained on these classes, though on other images of them.

    Raises:
        SettingsError: a table has the wrong length, does not rise or leaves [0, 1]; or a number is out of
            range.
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
            is_rising = table.shape == (len(LEVELS),) and bool((np.diff(table) >= 0).all())
            require(is_rising, f"The table {name!r} must hold {len(LEVELS)} rising similarities.")
            in_unit = table[0] >= 0 and table[-1] <= 1
            require(in_unit, f"The table {name!r} must hold similarities from 0 to 1.")
        check_ranges(self, threshold=(0, 1), equal_error_rate=(0, 1), auc=(0, 1))
        check_ranges(self, slope=_LOGISTIC, offset=_LOGISTIC)
        for name in ("n_same", "n_different", "n_classes", "n_class_pairs"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise SettingsError(f"{name} is {value!r}; it must be a whole number from 1.")
        require(
            len(self.false_accept_high) in (0, len(LEVELS)),
            f"The table 'false_accept_high' must hold {len(LEVELS)} rates, or none.",
        )
        require(
            all(0 <= rate <= 1 for rate in self.false_accept_high),
            "The table 'false_accept_high' must hold rates from 0 to 1.",
        )
        low, high = self.equal_error_interval
        require(
            0 <= low <= high <= 1, f"equal_error_interval is {low} to {high}; it must lie between 0 and 1."
        )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read the rates in a checkpoint's header; fields that this version does not know are ignored.

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
        """Return the share of different pairs whose similarity reaches ``threshold``, in [0, 1]."""
        return 1 - _share_below(self.different, threshold)

    def highest_false_accept(self, threshold: float) -> float | None:
        """Return the upper end of the 95% interval of ``false_accept``, in [0, 1].

        Returns:
            the rate that other classes may reach; None in files of earlier versions, which lack it.
        """
        if not self.false_accept_high:
            return None
        return float(np.interp(_share_below(self.different, threshold), LEVELS, self.false_accept_high))

    def false_reject(self, threshold: float) -> float:
        """Return the share of same pairs whose similarity is below ``threshold``, in [0, 1]."""
        return _share_below(self.same, threshold)

    def threshold_at(self, false_accept: float) -> float:
        """Return the threshold, in [0, 1], with this false-accept rate.

        Raises:
            SettingsError: the rate is not 0 to 1.
        """
        check_range("The false-accept rate", false_accept, 0, 1)
        return float(np.interp(1 - false_accept, LEVELS, self.different))

    def chance_same(self, similarity: float) -> float:
        """Return the probability, in (0, 1), that a pair is the same if half of all pairs are."""
        return float(chances(similarity, self.slope, self.offset))

    def curve(self) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return the ROC curve: falling thresholds, and the false-accept and true-accept rates there."""
        thresholds = np.unique([0.0, 1.0, *self.same, *self.different])[::-1]
        accepted = np.array([[1 - _share_below(t, x) for x in thresholds] for t in self._tables])
        accepted[:, -1] = 1  # at threshold 0 all pairs count as the same
        return thresholds, accepted[1], accepted[0]

    def histogram(self, n_bins: int = 50) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return bin edges ``(n_bins + 1,)``, and the shares ``(n_bins,)`` of same and different pairs."""
        edges = np.linspace(0, 1, n_bins + 1)
        below = np.array([[_share_below(t, x) for x in edges] for t in self._tables])
        below[:, 0], below[:, -1] = 0, 1
        same, different = np.diff(below, axis=1)
        return edges, same, different

    def reliability_by_chance(self, n_bins: int = 10) -> tuple[Float64Array, Float64Array, IntArray]:
        """Return the bins of ``reliability`` in equal parts of [0, 1].

        Returns:
            ``(n_bins,)`` each: predicted probabilities and observed frequencies, NaN in empty bins; and the
            number of pairs.
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
    """Return the lowest error rate that this many pairs of classes can measure, in [0, 1].

    If none of n independent trials fails, the rate may still be up to 3 / n (95%; the "rule of three").
    Image pairs are not independent, least of all those of the same two classes, so n is the number of class
    pairs. This is a minimum, because each class is in many pairs; ``PairRates.highest_false_accept`` says
    what other classes may give.
    """
    return min(1.0, 3 / n_class_pairs) if n_class_pairs else 1.0


def chances(similarity: float | Float64Array, slope: float, offset: float) -> Float64Array:
    """Return probabilities of being the same: a logistic function of the logits of similarities in [0, 1]."""
    from scipy.special import expit

    return np.asarray(expit(slope * similarity_logit(similarity) + offset))


def similarity_logit(similarity: float | Float64Array) -> Float64Array:
    """Return the logit of similarities in [0, 1], kept finite."""
    from scipy.special import logit

    return np.asarray(logit(np.clip(similarity, 1e-12, 1 - 1e-12)))


def quantiles(similarities: Float64Array) -> tuple[float, ...]:
    """Return the quantiles ``LEVELS`` of similarities ``(n,)``, at least one."""
    table = np.maximum.accumulate(np.quantile(similarities, LEVELS))
    return tuple(float(f"{value:.9g}") for value in table)


def _share_below(table: Sequence[float], threshold: float) -> float:
    """Return the share of similarities strictly below ``threshold``."""
    values = np.asarray(table)
    if threshold <= values[0]:
        return 0.0
    if threshold > values[-1]:
        return 1.0
    after = int(np.searchsorted(values, threshold, side="left"))  # values[after - 1] < threshold
    low, high = values[after - 1], values[after]
    share = (threshold - low) / (high - low)
    return float(LEVELS[after - 1] + share * (LEVELS[after] - LEVELS[after - 1]))
