"""From similarities of pairs to chances, and to the table of error rates that a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.fewshot.metrics import reliability
from fsl.fewshot.verify import PairScores, pooled, score_pairs, verify
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import LEVELS, PairRates, ReliabilityBin, chances, logit, quantiles

# Training calibrates at its end and should not be held up: 300,000 pairs and 100 draws take about 2 s.
_MOST_PAIRS = 300_000
_DRAWS = 100
_MOST_FITTED = 20_000


def measure_pair_rates(
    twin: TwinNetwork, sets: Sequence[tuple[Tensor, IntArray]], what: str, familiar: bool = False
) -> PairRates | None:
    """The error rates of a network on held-out images, for its checkpoint's header.

    Args:
        twin: the network.
        sets: embeddings float32 ``(N, D)`` and labels int64 ``(N,)`` of each data set; pairs are made within
            each.
        what: the data's name.
        familiar: whether the network learned from these classes, if only from other images of them.

    Returns:
        none where a set has no pair of one class, or none of two.
    """
    try:
        scores = pooled([score_pairs(twin, *one, most=_MOST_PAIRS) for one in sets])
    except DataError:
        return None
    n_images = sum(len(labels) for _, labels in sets)
    n_classes = sum(len(np.unique(labels)) for _, labels in sets)
    return pair_rates(scores, f"{what}: pairs of {n_images:,} images of {n_classes:,} classes", familiar)


def pair_rates(scores: PairScores, what: str, familiar: bool = False) -> PairRates:
    """The table for pairs of both kinds; ``what`` and ``familiar`` as for ``measure_pair_rates``."""
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
        # No draw shows what lies beyond the last pair: there the rate before it is the least to fear.
        false_accept_high=(*highest, highest[-1]),
        familiar=familiar,
    )


def balanced(scores: PairScores, seed: int = 0) -> PairScores:
    """As many different pairs as same ones, drawn at random: half of all, as ``chance_same`` supposes."""
    rng, same = np.random.default_rng(seed), scores.same
    kinds = [np.flatnonzero(same), np.flatnonzero(~same)]
    n = min(_MOST_FITTED, *map(len, kinds))
    return scores.select(np.concatenate([rng.permutation(rows)[:n] for rows in kinds]))


def fit_chance(scores: PairScores) -> tuple[float, float]:
    """Slope and offset that turn a similarity's logit into the logit of a chance of being the same.

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999; by scikit-learn.

    Args:
        scores: pairs of both kinds; as many of each are used.
    """
    from sklearn.linear_model import LogisticRegression

    half = balanced(scores)
    model = LogisticRegression(C=100.0).fit(logit(half.similarity)[:, None], half.same)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def reliability_bins(chance: Float64Array, same: BoolArray, n_bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram (``fsl.fewshot.metrics.reliability``), short enough for a header.

    Args:
        chance: float64 ``(n,)``, in [0, 1].
        same: bool ``(n,)``, what was so.
        n_bins: bins; empty ones are left out.
    """
    found = reliability(chance, same, n_bins)
    columns = (found.confidence.tolist(), found.accuracy.tolist(), found.counts.tolist())
    return tuple(ReliabilityBin(round(p, 6), round(o, 6), n) for p, o, n in zip(*columns, strict=True) if n)


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """The expected calibration error: how far chances are from what happened, on average, in [0, 1]."""
    total = sum(one.n for one in bins)
    return sum(one.n * abs(one.predicted - one.observed) for one in bins) / total if total else 0.0


def cross_fitted_reliability(scores: PairScores, seed: int = 0) -> tuple[ReliabilityBin, ...]:
    """The reliability of chances on classes they were not fitted on: half of the classes by the other half.

    Args:
        scores: pairs of both kinds.
        seed: of the halving.

    Returns:
        nothing where a half has not both kinds of pairs.
    """
    names = np.unique(scores.labels)
    in_first = np.isin(scores.labels, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    sides = in_first[scores.first].astype(int) + in_first[scores.second]
    halves = [scores.select(sides == 0), scores.select(sides == 2)]
    if any(half.same.all() or not half.same.any() for half in halves):
        return ()
    given, happened = [], []
    for fitted, asked in (halves, halves[::-1]):
        slope, offset = fit_chance(fitted)
        tested = balanced(asked)
        given.append(chances(tested.similarity, slope, offset))
        happened.append(tested.same)
    return reliability_bins(np.concatenate(given), np.concatenate(happened))
