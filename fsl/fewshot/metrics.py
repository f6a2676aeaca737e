"""Figures computed from answers: intervals, calibration and ROC area. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsl.base.types import BoolArray, Float64Array, IntArray

N_BINS = 10


def ci95(values: Float64Array) -> float:
    """Return half the width of a mean's 95% interval: 1.96 standard errors, 0 for a single value.

    Args:
        values: float ``(n,)``, independent.
    """
    return 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: stated probabilities against observed frequencies, in B equal bins over [0, 1].

    Attributes:
        counts: int64 ``(B,)``, answers in each bin.
        confidence: float64 ``(B,)``, mean stated probability of each bin, NaN if the bin is empty.
        accuracy: float64 ``(B,)``, share of correct answers in each bin, NaN if the bin is empty.
        error: expected calibration error, in [0, 1]: the mean gap between the two, weighted by answers.
    """

    counts: IntArray
    confidence: Float64Array
    accuracy: Float64Array
    error: float


def reliability(confidence: Float64Array, right: BoolArray, n_bins: int = N_BINS) -> Reliability:
    """Measure calibration (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    Args:
        confidence: float, any shape: the stated probability of each answer, in [0, 1].
        right: bool, the same shape: whether the answer is correct.
        n_bins: B.
    """
    flat, hits = confidence.reshape(-1), right.reshape(-1)
    bins = np.minimum((flat * n_bins).astype(np.int64), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, flat, n_bins)
    n_right = np.bincount(bins, hits, n_bins)
    error = float(np.abs(sums - n_right).sum() / max(1, len(flat)))
    empty = np.full(n_bins, np.nan)
    return Reliability(
        counts.astype(np.int64),
        np.divide(sums, counts, out=empty.copy(), where=counts > 0),
        np.divide(n_right, counts, out=empty.copy(), where=counts > 0),
        error,
    )


def auroc(known: Float64Array, unknown: Float64Array) -> float:
    """Return the area under the ROC curve of telling known classes from unknown ones, by scikit-learn.

    Args:
        known: float, any shape, not empty: best similarity of each query whose class is in the support set.
        unknown: the same for queries whose class is not.

    Returns:
        the probability that a known query is more similar than an unknown one, ties counting half; 0.5 is
        chance level.
    """
    from sklearn.metrics import roc_auc_score

    scores = np.concatenate([known.reshape(-1), unknown.reshape(-1)])
    return float(roc_auc_score(np.arange(len(scores)) < known.size, scores))
