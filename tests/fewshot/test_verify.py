"""Verification against naive loops and scikit-learn."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from fsl.base.errors import DataError, SettingsError
from fsl.fewshot import pair_scores as module
from fsl.fewshot.pair_scores import PairScores, pooled, score_pairs
from fsl.fewshot.roc import area, equal_error, points_at, resampled, roc
from fsl.fewshot.verify import accuracy_at, interval, verify
from tests.helpers.embeddings import clusters, pair_scores
from tests.helpers.networks import checkpoint


@pytest.mark.parametrize("at_once", [4_000_000, 50])
def test_every_pair_once_as_the_head_says(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", at_once)
    twin = checkpoint().twin
    embeddings, labels = clusters(0.7, 5, 4, seed=1)
    scores = score_pairs(twin, embeddings, labels)
    pairs = list(zip(scores.first.tolist(), scores.second.tolist(), strict=True))
    assert sorted(pairs) == list(itertools.combinations(range(20), 2))
    for i in (0, 57, 189):
        a, b = pairs[i]
        with torch.no_grad():
            logit = twin.head(embeddings[a], embeddings[b]).double()
        assert scores.similarity[i] == pytest.approx(torch.sigmoid(-logit).item(), abs=1e-5)
    assert scores.same.sum() == 5 * 6
    assert scores.n_class_pairs == 10


def test_a_sample_of_one_kind_keeps_every_pair_of_the_other() -> None:
    embeddings, labels = clusters(0.7, 10, 6, seed=1)
    whole = score_pairs(checkpoint().twin, embeddings, labels)
    drawn = score_pairs(checkpoint().twin, embeddings, labels, most=300, seed=3)
    assert drawn.same.sum() == whole.same.sum() == 150
    assert 200 < (~drawn.same).sum() < 400
    again = score_pairs(checkpoint().twin, embeddings, labels, most=300, seed=3)
    assert np.array_equal(again.first, drawn.first)


def test_many_same_pairs_are_drawn_from_too() -> None:
    embeddings, labels = clusters(0.7, 2, 40, seed=1)
    drawn = score_pairs(checkpoint().twin, embeddings, labels, most=300)  # of 1,560 and 1,600
    assert 200 < drawn.same.sum() < 400
    assert 200 < (~drawn.same).sum() < 400
    pairs = set(zip(drawn.first.tolist(), drawn.second.tolist(), strict=True))
    assert len(pairs) == len(drawn)


def test_both_kinds_of_pairs_are_needed() -> None:
    embeddings, _ = clusters(0.7, 5, 4, seed=1)
    with pytest.raises(DataError, match="0 pairs of one class"):
        score_pairs(checkpoint().twin, embeddings, np.arange(20))
    with pytest.raises(DataError, match="0 of two"):
        score_pairs(checkpoint().twin, embeddings, np.zeros(20, np.int64))


def test_pooled_sets_make_no_pairs_between_them() -> None:
    one, two = pair_scores(4, 3, seed=1), pair_scores(5, 2, seed=2)
    both = pooled([one, two])
    assert len(both) == len(one) + len(two)
    assert np.array_equal(both.same, np.concatenate([one.same, two.same]))
    assert both.n_class_pairs == 6 + 10
    sides = (both.first < len(one.labels)), (both.second < len(one.labels))
    assert np.array_equal(*sides)


def test_the_curve_is_scikit_learns() -> None:
    scores = pair_scores()
    curve = roc(scores)
    assert area(curve) == pytest.approx(roc_auc_score(scores.same, scores.similarity))
    for threshold, false, true in zip(
        curve.threshold[1::97], curve.false_accept[1::97], curve.true_accept[1::97], strict=True
    ):
        accepted = scores.similarity >= threshold
        assert false == pytest.approx(accepted[~scores.same].mean())
        assert true == pytest.approx(accepted[scores.same].mean())


def test_equal_error_rate_of_normal_scores_is_known() -> None:
    """Two normal distributions d apart cross at Phi(-d / 2)."""
    scores = pair_scores(150, 4, gap=2.0, digits=12)
    rate, threshold = equal_error(roc(scores))
    assert rate == pytest.approx(0.1587, abs=0.02)
    assert threshold == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.02)
    accepted = scores.similarity >= threshold
    assert accepted[~scores.same].mean() == pytest.approx(rate, abs=2e-3)
    assert (~accepted[scores.same]).mean() == pytest.approx(rate, abs=2e-3)
    assert accuracy_at(scores, threshold) == pytest.approx(1 - rate, abs=2e-3)


@pytest.mark.parametrize("gap", [0.0, 1.0, 3.0])
def test_equal_error_rate_against_a_loop(gap: float) -> None:
    scores = pair_scores(gap=gap, seed=5)
    different, same = scores.similarity[~scores.same], scores.similarity[scores.same]
    worst = [
        (abs((different >= t).mean() - (same < t).mean()), ((different >= t).mean() + (same < t).mean()) / 2)
        for t in np.unique(scores.similarity)
    ]
    nearest = min(worst)
    assert equal_error(roc(scores))[0] == pytest.approx(nearest[1], abs=nearest[0] + 1e-9)


def test_perfect_and_inverted_scores() -> None:
    labels = np.array([0, 0, 1, 1])
    first, second = np.triu_indices(4, 1)
    same = labels[first] == labels[second]
    perfect = PairScores(np.where(same, 0.9, 0.1), first, second, labels)
    rate, threshold = equal_error(roc(perfect))
    assert rate == 0
    assert 0.1 < threshold <= 0.9
    inverted = PairScores(np.where(same, 0.1, 0.9), first, second, labels)
    assert equal_error(roc(inverted))[0] == 1


def test_the_threshold_for_a_rate_is_the_lowest_that_keeps_it() -> None:
    scores = pair_scores(gap=2.0)
    different, same = scores.similarity[~scores.same], scores.similarity[scores.same]
    result = verify(scores, (0.1, 0.01), n_bootstrap=20)
    for at in result.at:
        allowed = [t for t in np.unique(scores.similarity) if (different >= t).mean() <= at.requested]
        assert at.threshold == pytest.approx(min(allowed))
        assert at.true_accept == pytest.approx((same >= min(allowed)).mean())
        assert at.false_accept <= at.requested
        assert at.false_accept_interval[0] <= at.false_accept <= at.false_accept_interval[1]
        assert at.threshold_interval[0] <= at.threshold <= at.threshold_interval[1]
    assert result.at[0].true_accept > result.at[1].true_accept
    low, high = result.equal_error_interval
    assert low < result.equal_error_rate < high


def test_equal_pairs_of_different_classes_are_accepted_at_every_limit() -> None:
    """No threshold from 0 to 1 keeps the rate, and the highest one accepts them."""
    labels = np.repeat(np.arange(6), 3)
    first, second = np.triu_indices(18, 1)
    similarity = np.where((first + second) % 3 == 0, 1.0, np.random.default_rng(0).random(len(first)))
    scores = PairScores(similarity, first, second, labels)
    (found,) = verify(scores, (0.01,), n_bootstrap=20).at
    assert found.threshold == 1
    assert found.false_accept == pytest.approx((similarity[~scores.same] >= 1).mean())
    assert found.true_accept == pytest.approx((similarity[scores.same] >= 1).mean())
    assert found.false_accept > 0.2
    assert not found.keeps_rate
    for value, (low, high) in (
        (found.false_accept, found.false_accept_interval),
        (found.true_accept, found.true_accept_interval),
    ):
        assert low <= value <= high


def test_few_classes_cannot_measure_a_small_rate() -> None:
    few = verify(pair_scores(n_classes=6, per_class=10), (0.2, 0.01), n_bootstrap=5)
    assert few.n_class_pairs == 15
    assert [at.is_measurable for at in few.at] == [True, False]
    many = verify(pair_scores(n_classes=30, per_class=3), (0.01,), n_bootstrap=5)
    assert many.at[0].is_measurable  # 435 pairs of classes, 3 in 435 is below 1%
    with pytest.raises(SettingsError, match="false-accept rate is 0"):
        verify(pair_scores(), (0.0,), n_bootstrap=5)


@pytest.mark.parametrize("unit", ["classes", "images"])
def test_a_bootstrap_draw_equals_scikit_learn_s_curve_with_weights(unit: str) -> None:
    """The weight of a pair is its number of copies in the drawn images or classes."""
    scores = pair_scores(5, 3)
    (redrawn,) = resampled(scores, 1, unit, seed=4)  # type: ignore[arg-type]
    n = 5 if unit == "classes" else 15
    times = np.bincount(np.random.default_rng(4).integers(n, size=n), minlength=n)
    ends = (scores.labels[scores.first], scores.labels[scores.second])
    if unit == "images":
        ends = (scores.first, scores.second)
    weights = [times[a] if a == b else times[a] * times[b] for a, b in zip(*ends, strict=True)]
    false, true, threshold = roc_curve(
        scores.same, scores.similarity, sample_weight=weights, drop_intermediate=False
    )
    for t, f, s in zip(threshold[1:], false[1:], true[1:], strict=True):
        here = int(np.flatnonzero(redrawn.threshold == t)[0])
        assert (redrawn.false_accept[here], redrawn.true_accept[here]) == (pytest.approx(f), pytest.approx(s))


def test_intervals_cover_the_true_rate_about_as_often_as_they_claim() -> None:
    """The intervals of most data sets drawn from a distribution cover its true rate."""
    truth = 0.5 * (1 - 0.6826895)  # Phi(-1), two normal distributions 2 apart
    held = 0
    for seed in range(20):
        low, high = verify(pair_scores(20, 4, gap=2.0, seed=seed), (), n_bootstrap=60).equal_error_interval
        held += low - 0.005 <= truth <= high + 0.005
    assert held >= 15


def test_interval_and_points_on_the_curve() -> None:
    assert interval([float(v) for v in range(1001)]) == (25.0, 975.0)
    curve = roc(pair_scores())
    (position,) = points_at(curve, [0.05])
    assert curve.false_accept[position] <= 0.05 < curve.false_accept[position + 1]
