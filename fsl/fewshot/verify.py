"""Same or different? Every pair of a set of images scored, and what the scores are worth.

A pair is accepted ("the same") when its similarity reaches a threshold. Pairs of different classes that are
accepted are false accepts, pairs of one class that are not are false rejects; where both rates are equal lies
the equal error rate. Pairs share images and classes, so no interval here treats them as independent: the
bootstrap draws whole classes or images again, and what it can say is limited by how many there are.

Pairs are scored as they are, also by networks whose classification looks from the middle of a support set
(``fsl.fewshot.scores.seen_from_support``): a pair has no support set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError, SettingsError
from fsl.base.text import count
from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.twin.inference import PAIRS_AT_ONCE, pair_logits
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import lowest_measurable_rate

Interval = tuple[float, float]
Unit = Literal["classes", "images"]

MOST_PAIRS = 2_000_000
FALSE_ACCEPT_RATES = (0.01, 0.001)


@dataclass(frozen=True, eq=False)
class PairScores:
    """Pairs of different images of one set.

    Attributes:
        similarity: float64 ``(n,)``, in [0, 1]; in double precision, as small false-accept rates are decided
            where single precision knows only 1.
        first: int64 ``(n,)``, rows of the set.
        second: int64 ``(n,)``.
        labels: int64 ``(N,)``, the class of each row.
    """

    similarity: Float64Array
    first: IntArray
    second: IntArray
    labels: IntArray

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.similarity)

    @property
    def same(self) -> BoolArray:
        """bool ``(n,)``: whether both images are of one class."""
        return np.asarray(self.labels[self.first] == self.labels[self.second])

    @property
    def n_class_pairs(self) -> int:
        """How many pairs of different classes were compared."""
        a, b = self.labels[self.first], self.labels[self.second]
        low, high = np.minimum(a, b), np.maximum(a, b)
        codes = low * (int(self.labels.max(initial=0)) + 1) + high
        return len(np.unique(codes[low != high]))

    def select(self, chosen: BoolArray | IntArray) -> PairScores:
        """Some of the pairs, of the same set."""
        return PairScores(self.similarity[chosen], self.first[chosen], self.second[chosen], self.labels)


def count_pairs(labels: IntArray) -> tuple[int, int]:
    """How many pairs of one class and of two classes there are.

    Args:
        labels: int64 ``(N,)``.

    Raises:
        DataError: there is none of one kind.
    """
    n = len(labels)
    counts = np.unique(labels, return_counts=True)[1]
    n_same = int((counts * (counts - 1) // 2).sum())
    n_different = n * (n - 1) // 2 - n_same
    if not n_same or not n_different:
        raise DataError(
            f"{count(n, 'image')} of {count(len(counts), 'class', 'classes')} make "
            f"{count(n_same, 'pair')} of one class and {n_different:,} of two; "
            "both kinds are needed. Give at least 2 classes, and 2 images of one of them."
        )
    return n_same, n_different


@torch.inference_mode()
def score_pairs(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    most: int = MOST_PAIRS,
    seed: int = 0,
) -> PairScores:
    """Similarity of every pair of images, each pair once, in bounded memory.

    Args:
        twin: the network whose head judges.
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``.
        most: where there are more pairs of one kind, same or different, about so many are drawn at random.
        seed: of that draw.

    Raises:
        DataError: there is no pair of one class, or none of two.
    """
    n = len(labels)
    n_same, n_different = count_pairs(labels)
    of_same, of_different = min(1.0, most / n_same), min(1.0, most / n_different)
    rng = np.random.default_rng(seed)
    parts = []
    rows = max(1, PAIRS_AT_ONCE // n)
    for start in range(0, n, rows):
        block = pair_logits(twin, embeddings[start : start + rows], embeddings[start:]).numpy()
        first, second = np.triu_indices(len(block), 1, block.shape[1])
        if min(of_same, of_different) < 1:
            is_same = labels[first + start] == labels[second + start]
            kept = rng.random(len(first)) < np.where(is_same, of_same, of_different)
            first, second = first[kept], second[kept]
        similarity = torch.sigmoid(-torch.from_numpy(block[first, second]).double()).numpy()
        parts.append((similarity, first + start, second + start))
    similarity, first, second = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PairScores(similarity, first, second, labels)


def pooled(sets: Sequence[PairScores]) -> PairScores:
    """The pairs of several sets, none between them: pairs across data sets would be too easy."""
    image_offsets = np.cumsum([0, *(len(one.labels) for one in sets)])
    class_offsets = np.cumsum([0, *(int(one.labels.max(initial=-1)) + 1 for one in sets)])
    return PairScores(
        np.concatenate([one.similarity for one in sets]),
        np.concatenate([one.first + o for one, o in zip(sets, image_offsets, strict=False)]),
        np.concatenate([one.second + o for one, o in zip(sets, image_offsets, strict=False)]),
        np.concatenate([one.labels + o for one, o in zip(sets, class_offsets, strict=False)]),
    )


@dataclass(frozen=True, eq=False)
class Roc:
    """Error rates at every threshold that makes a difference, m of them.

    Attributes:
        threshold: float64 ``(m,)``, falling; the first accepts nothing.
        false_accept: float64 ``(m,)``, rising from 0 to 1.
        true_accept: float64 ``(m,)``, likewise.
    """

    threshold: Float64Array
    false_accept: Float64Array
    true_accept: Float64Array


def roc(scores: PairScores) -> Roc:
    """The ROC curve, by scikit-learn."""
    from sklearn.metrics import roc_curve

    false_accept, true_accept, threshold = roc_curve(scores.same, scores.similarity, drop_intermediate=False)
    return Roc(threshold, false_accept, true_accept)


def area(curve: Roc) -> float:
    """The area under the curve, in [0, 1]: how often a same pair is more alike than a different one."""
    from sklearn.metrics import auc

    return float(auc(curve.false_accept, curve.true_accept))


def equal_error(curve: Roc) -> tuple[float, float]:
    """The rate at which as many different pairs are accepted as same ones rejected, and its threshold.

    Returns:
        rate and threshold, both in [0, 1], on the straight line between the two neighbouring points.
    """
    gap = curve.false_accept - (1 - curve.true_accept)  # rises from -1, where nothing is accepted, to 1
    after = int(np.searchsorted(gap, 0.0))
    if gap[after] == 0:
        return float(curve.false_accept[after]), _in_unit(curve.threshold[after])
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    rate = _between(curve.false_accept, after, share)
    if not np.isfinite(curve.threshold[after - 1]):  # the first accepts nothing, however alike
        return rate, _in_unit(curve.threshold[after])
    return rate, _in_unit(_between(curve.threshold, after, share))


def _between(values: Float64Array, after: int, share: float) -> float:
    return float(values[after - 1] + share * (values[after] - values[after - 1]))


def _in_unit(value: float) -> float:
    return float(min(max(value, 0.0), 1.0))


def points_at(curve: Roc, false_accepts: Sequence[float]) -> IntArray:
    """Positions on the curve of the lowest thresholds that accept at most these shares of different pairs."""
    return np.searchsorted(curve.false_accept, np.asarray(false_accepts, np.float64), side="right") - 1


@dataclass(frozen=True)
class ThresholdAt:
    """The threshold for a wished false-accept rate, and what it is worth.

    Attributes:
        requested: the false-accept rate asked for.
        threshold: the lowest at which no more different pairs are accepted; in [0, 1].
        threshold_interval: 95%, by the bootstrap: where it would lie with other classes or images.
        false_accept: measured there.
        false_accept_interval: 95%, of the rate at this threshold.
        true_accept: share of same pairs accepted there.
        true_accept_interval: 95%, of that share at a threshold chosen anew for the wished rate.
        lowest_rate: the lowest rate that so many classes can speak for (``lowest_measurable_rate``).
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
    def is_measurable(self) -> bool:
        """Whether there are enough classes to speak of such a rate."""
        return self.requested >= self.lowest_rate


@dataclass(frozen=True)
class Verification:
    """How well same and different are told apart.

    Attributes:
        auc: area under the ROC curve, in [0, 1].
        equal_error_rate: in [0, 1].
        equal_error_interval: 95%.
        equal_error_threshold: in [0, 1].
        at: one per wished false-accept rate.
        n_same: pairs of one class.
        n_different: pairs of two.
        n_classes: classes.
        n_class_pairs: pairs of classes.
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


def verify(
    scores: PairScores,
    false_accept_rates: Sequence[float] = FALSE_ACCEPT_RATES,
    n_bootstrap: int = 200,
    unit: Unit = "classes",
    seed: int = 0,
) -> Verification:
    """Measure everything.

    Args:
        scores: pairs of both kinds.
        false_accept_rates: wished ones, each in (0, 1].
        n_bootstrap: draws behind each interval.
        unit: what is drawn again: whole classes (other people would be seen), or images.
        seed: of the draws.

    Raises:
        SettingsError: a rate is out of range.
    """
    for rate in false_accept_rates:
        if not 0 < rate <= 1:
            raise SettingsError(f"The false-accept rate is {rate}; it must be above 0, and at most 1.")
    curve = roc(scores)
    points = points_at(curve, false_accept_rates)
    thresholds = np.clip(curve.threshold[points], 0.0, 1.0)
    errors: list[float] = []
    drawn: list[Float64Array] = []
    for redrawn in resampled(scores, n_bootstrap, unit, seed):
        errors.append(equal_error(redrawn)[0])
        anew = points_at(redrawn, false_accept_rates)
        here = np.searchsorted(-redrawn.threshold, -thresholds, side="right") - 1
        chosen_anew = np.clip(redrawn.threshold[anew], 0.0, 1.0)
        drawn.append(np.stack([chosen_anew, redrawn.false_accept[here], redrawn.true_accept[anew]]))
    n_class_pairs = scores.n_class_pairs
    low = lowest_measurable_rate(n_class_pairs)
    at = []
    for i, (rate, p) in enumerate(zip(false_accept_rates, points, strict=True)):
        of_threshold, of_false, of_true = (interval([draw[row, i] for draw in drawn]) for row in range(3))
        false, true = float(curve.false_accept[p]), float(curve.true_accept[p])
        at.append(ThresholdAt(rate, float(thresholds[i]), of_threshold, false, of_false, true, of_true, low))
    rate, threshold = equal_error(curve)
    n_same = int(scores.same.sum())
    n_classes = len(np.unique(scores.labels))
    return Verification(
        area(curve),
        rate,
        interval(errors),
        threshold,
        tuple(at),
        n_same,
        len(scores) - n_same,
        n_classes,
        n_class_pairs,
    )


def interval(values: Sequence[float]) -> Interval:
    """The middle 95% of values, at least one."""
    low, high = np.quantile(np.asarray(values, np.float64), (0.025, 0.975))
    return float(low), float(high)


def resampled(scores: PairScores, n: int, unit: Unit, seed: int) -> Iterator[Roc]:
    """ROC curves of bootstrap draws: what the same pairs would say if other classes or images had come.

    Classes (or images) are drawn with repetition; a pair counts as often as both its ends were drawn, a pair
    of one class as often as the class. Source: Bolle, Ratha and Pankanti, "Error analysis of pattern
    recognition systems: the subsets bootstrap", 2004.

    Args:
        scores: pairs of both kinds.
        n: draws; one that holds only one kind of pair is drawn again.
        unit: what is drawn.
        seed: of the draws.
    """
    units = scores.labels if unit == "classes" else np.arange(len(scores.labels))
    present, unit_of = np.unique(units, return_inverse=True)
    order = np.argsort(-scores.similarity, kind="stable")
    similarity, same = scores.similarity[order], scores.same[order]
    first, second = unit_of[scores.first[order]], unit_of[scores.second[order]]
    # The last of each run of equal similarities: a threshold accepts all of them or none.
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


def accuracy_at(scores: PairScores, threshold: float) -> float:
    """Share of right answers at a threshold, both kinds of pairs weighted equally; in [0, 1]."""
    accepted, same = scores.similarity >= threshold, scores.same
    return float((accepted[same].mean() + (~accepted[~same]).mean()) / 2)
