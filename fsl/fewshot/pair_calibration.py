"""Calibrate pairs: similarities to probabilities, and the error rates that a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.types import IntArray
from fsl.fewshot.metrics import Reliability, reliability
from fsl.fewshot.pair_scores import PairScores, pooled, score_pairs
from fsl.fewshot.verify import verify
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import LEVELS, PairRates, ReliabilityBin, chances, quantiles, similarity_logit

# Training calibrates at its end and should not be held up: 300,000 pairs and 100 draws take about 2 s.
_MOST_PAIRS = 300_000
_DRAWS = 100
_MOST_FITTED = 20_000


def measure_pair_rates(
    twin: TwinNetwork, sets: Sequence[tuple[Tensor, IntArray]], what: str, familiar: bool = False
) -> PairRates | None:
    """Measure the error rates of a network on held-out images, for its checkpoint's header.

    Args:
        sets: embeddings float32 ``(N, D)`` and labels int64 ``(N,)`` of each data set; pairs are made within
            each.
        what: the data's name.
        familiar: whether the network was trained on these classes, though on other images of them.

    Returns:
        the rates, or None if a set has no same pair or no different pair.
    """
    try:
        scores = pooled([score_pairs(twin, *one, most=_MOST_PAIRS) for one in sets])
    except DataError:
        return None
    n_images = sum(len(labels) for _, labels in sets)
    n_classes = sum(len(np.unique(labels)) for _, labels in sets)
    return pair_rates(scores, f"{what}: pairs of {n_images:,} images of {n_classes:,} classes", familiar)


def pair_rates(scores: PairScores, what: str, familiar: bool = False) -> PairRates:
    """Measure the error rates of scored pairs.

    Args:
        scores: pairs of both kinds.
        what: the data, in words.
        familiar: as for ``measure_pair_rates``.
    """
    measured = verify(scores, [1 - level for level in LEVELS[:-1]], n_bootstrap=_DRAWS)
    highest = [round(at.false_accept_interval[1], 6) for at in measured.at]
    slope, offset = fit_chance(scores)
    same = scores.same
    return PairRates(
        same=quantiles(scores.similarity[same]),
        different=quantiles(scores.similarity[~same]),
        threshold=measured.equal_error_threshold,
        equal_error_rate=measured.equal_error_rate,
        equal_error_interval=measured.equal_error_interval,
        auc=measured.auc,
        slope=slope,
        offset=offset,
        reliability=cross_fitted_reliability(scores),
        n_same=measured.n_same,
        n_different=measured.n_different,
        n_classes=measured.n_classes,
        n_class_pairs=measured.n_class_pairs,
        fitted_on=what,
        # Beyond the last pair no draw shows anything, so the rate before it is repeated.
        false_accept_high=(*highest, highest[-1]),
        familiar=familiar,
    )


def balanced(scores: PairScores, seed: int = 0) -> PairScores:
    """Draw as many different pairs as same ones, because ``chance_same`` assumes that half are the same."""
    rng, same = np.random.default_rng(seed), scores.same
    kinds = [np.flatnonzero(same), np.flatnonzero(~same)]
    n = min(_MOST_FITTED, *map(len, kinds))
    return scores.select(np.concatenate([rng.permutation(rows)[:n] for rows in kinds]))


def fit_chance(scores: PairScores) -> tuple[float, float]:
    """Fit the logistic function that turns a similarity into a probability of being the same.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999; by scikit-learn.

    Args:
        scores: pairs of both kinds; the same number of each is used.

    Returns:
        slope and offset, applied to the similarity's logit.
    """
    from sklearn.linear_model import LogisticRegression

    half = balanced(scores)
    model = LogisticRegression(C=100.0).fit(similarity_logit(half.similarity)[:, None], half.same)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def pair_reliability(scores: PairScores, slope: float, offset: float) -> Reliability:
    """Measure the calibration of the probabilities that ``slope`` and ``offset`` give to these pairs."""
    half = balanced(scores)
    return reliability(chances(half.similarity, slope, offset), half.same)


def reliability_bins(found: Reliability) -> tuple[ReliabilityBin, ...]:
    """Return a reliability diagram in short form, for a header: rounded, without empty bins."""
    columns = (found.confidence.tolist(), found.accuracy.tolist(), found.counts.tolist())
    return tuple(ReliabilityBin(round(p, 6), round(o, 6), n) for p, o, n in zip(*columns, strict=True) if n)


def cross_fitted_reliability(scores: PairScores, seed: int = 0) -> tuple[ReliabilityBin, ...]:
    """Measure calibration on classes that slope and offset were not fitted on: each half by the other.

    Returns:
        the reliability diagram; empty if a half lacks one kind of pair.
    """
    names = np.unique(scores.labels)
    in_first = np.isin(scores.labels, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    sides = in_first[scores.first].astype(int) + in_first[scores.second]
    halves = [scores.select(sides == 0), scores.select(sides == 2)]
    if any(half.same.all() or not half.same.any() for half in halves):
        return ()
    predicted, observed = [], []
    for fitted, tested in (halves, halves[::-1]):
        half = balanced(tested)
        predicted.append(chances(half.similarity, *fit_chance(fitted)))
        observed.append(half.same)
    return reliability_bins(reliability(np.concatenate(predicted), np.concatenate(observed)))
