"""Probabilities of being the same, and the table of error rates in a checkpoint's header."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fsl.base.errors import CheckpointError, SettingsError
from fsl.fewshot.metrics import reliability
from fsl.fewshot.pair_calibration import (
    balanced,
    cross_fitted_reliability,
    fit_chance,
    measure_pair_rates,
    pair_rates,
    reliability_bins,
)
from fsl.fewshot.pair_scores import PairScores
from fsl.fewshot.verify import verify
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.header import CheckpointInfo
from fsl.twin.pair_rates import LEVELS, chances, lowest_measurable_rate
from tests.helpers.embeddings import clusters, pair_scores
from tests.helpers.networks import checkpoint

_NO_RATES = ({"false_accept_high": [0.1]}, {"false_accept_high": [2.0] * len(LEVELS)})


def sharp(n_classes: int = 40) -> PairScores:
    """Return scores without ties; the logits of both kinds of pairs are 2 apart."""
    return pair_scores(n_classes, per_class=5, gap=2.0, seed=2, digits=12)


def test_the_table_gives_back_the_rates_it_was_made_from() -> None:
    scores = sharp()
    rates = pair_rates(scores, "made up")
    different, same = scores.similarity[~scores.same], scores.similarity[scores.same]
    for threshold in np.linspace(0.05, 0.95, 19):
        assert rates.false_accept(threshold) == pytest.approx((different >= threshold).mean(), abs=0.005)
        assert rates.false_reject(threshold) == pytest.approx((same < threshold).mean(), abs=0.01)
    for requested in (0.001, 0.01, 0.2, 0.7):
        threshold = rates.threshold_at(requested)
        assert (different >= threshold).mean() == pytest.approx(requested, rel=0.1)
        assert rates.false_accept(threshold) == pytest.approx(requested, rel=1e-6)
    assert rates.false_accept(rates.threshold) == pytest.approx(rates.equal_error_rate, abs=0.005)
    assert rates.false_reject(rates.threshold) == pytest.approx(rates.equal_error_rate, abs=0.01)
    assert rates.auc == pytest.approx(roc_auc_score(scores.same, scores.similarity))


def test_curve_and_histogram_come_from_the_same_table() -> None:
    scores = sharp()
    rates = pair_rates(scores, "made up")
    thresholds, false, true = rates.curve()
    assert (np.diff(thresholds) < 0).all()
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()
    assert (false[-1], true[-1]) == (1, 1)
    area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
    assert area == pytest.approx(rates.auc, abs=0.01)
    edges, same, different = rates.histogram(20)
    assert len(edges) == 21
    assert same.sum() == pytest.approx(1)
    counted = np.histogram(scores.similarity[~scores.same], edges)[0] / (~scores.same).sum()
    assert different == pytest.approx(counted, abs=0.01)


def test_many_pairs_of_equal_similarity() -> None:
    """Saturated scores: a threshold at their value accepts them all."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    first, second = np.triu_indices(6, 1)
    same = labels[first] == labels[second]
    rates = pair_rates(PairScores(np.where(same, 1.0, 0.0), first, second, labels), "two values")
    assert (rates.false_accept(0.5), rates.false_reject(0.5)) == (0, 0)
    assert rates.false_reject(1.0) == 0
    assert rates.false_accept(0.0) == 1
    assert rates.equal_error_rate == 0


def test_chances_are_found() -> None:
    """Two normal distributions d apart: the log odds are d (x - d / 2), slope d and offset -d^2 / 2."""
    slope, offset = fit_chance(sharp(n_classes=80))
    assert slope == pytest.approx(2.0, rel=0.15)
    assert offset == pytest.approx(-2.0, rel=0.2)
    half = balanced(pair_scores())
    assert half.same.mean() == 0.5


def test_reliability_of_calibrated_and_of_overconfident_probabilities() -> None:
    rng = np.random.default_rng(0)
    calibrated = rng.random(40_000)
    same = rng.random(40_000) < calibrated
    bins = reliability_bins(reliability(calibrated, same))
    assert len(bins) == 10
    assert sum(one.n for one in bins) == 40_000
    for i, one in enumerate(bins):
        inside = (calibrated > i / 10) & (calibrated <= (i + 1) / 10)
        assert one.n == inside.sum()
        assert one.observed == pytest.approx(same[inside].mean(), abs=1e-6)
    assert reliability(calibrated, same).error < 0.02
    overconfident = np.where(calibrated > 0.5, 0.99, 0.01)
    assert reliability(overconfident, same).error == pytest.approx(0.24, abs=0.02)
    assert len(reliability_bins(reliability(overconfident, same))) == 2  # empty bins are left out


def test_reliability_is_measured_on_other_classes() -> None:
    bins = cross_fitted_reliability(sharp(n_classes=60))
    gaps = [one.n * abs(one.predicted - one.observed) for one in bins]
    assert sum(gaps) / sum(one.n for one in bins) < 0.05
    assert cross_fitted_reliability(pair_scores(n_classes=2)) == ()


def test_measured_on_embeddings_and_kept_in_the_header(tmp_path: Path) -> None:
    loaded = checkpoint()
    embeddings, labels = clusters(0.7, 8, 5, seed=1)
    rates = measure_pair_rates(loaded.twin, [(embeddings, labels)], "clusters val")
    assert rates is not None
    assert rates.fitted_on == "clusters val: pairs of 40 images of 8 classes"
    assert (rates.n_same, rates.n_different, rates.n_class_pairs) == (80, 700, 28)
    assert rates.lowest_rate == pytest.approx(3 / 28)
    path = tmp_path / "with.safetensors"
    checkpoints.save(path, loaded.twin, replace(loaded.info, pairs=rates))
    assert checkpoint_files.read_info(path).pairs == rates
    assert len(json.dumps(rates.__dict__, default=vars)) < 8_000
    assert measure_pair_rates(loaded.twin, [(embeddings, np.arange(40))], "no same pair") is None


def test_the_highest_rate_covers_what_other_classes_give() -> None:
    """Some classes resemble many others, so a rate measured on few classes says little about others."""
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(40):
        measured, others = similar_by_class(rng, 20), similar_by_class(rng, 200)
        rates = pair_rates(measured, "made up")
        threshold = rates.threshold_at(0.05)
        highest = rates.highest_false_accept(threshold)
        assert highest is not None
        assert highest >= rates.false_accept(threshold)
        kept += float((others.similarity[~others.same] >= threshold).mean()) <= highest
    assert kept >= 33  # of 40; with few classes the bound is a little low


def similar_by_class(rng: np.random.Generator, n_classes: int) -> PairScores:
    """Return pairs of 3 images per class whose similarity depends on both classes."""
    labels = np.repeat(np.arange(n_classes), 3)
    first, second = np.triu_indices(len(labels), 1)
    of_class = rng.normal(0, 1, n_classes)
    same = labels[first] == labels[second]
    raw = np.where(same, 4.0, of_class[labels[first]] + of_class[labels[second]])
    return PairScores(1 / (1 + np.exp(-raw - rng.normal(0, 0.5, len(raw)))), first, second, labels)


def test_the_highest_rate_is_that_of_the_bootstrap_and_falls() -> None:
    scores = pair_scores(gap=2.0)
    rates = pair_rates(scores, "made up")
    (at,) = verify(scores, (0.1,), n_bootstrap=100).at
    assert rates.highest_false_accept(rates.threshold_at(0.1)) == pytest.approx(
        at.false_accept_interval[1], rel=0.02
    )
    highest = [rates.highest_false_accept(t) for t in np.linspace(0, 1, 50)]
    assert highest == sorted(highest, reverse=True)  # type: ignore[type-var]
    before = replace(rates, false_accept_high=())  # a file of an earlier version
    assert before.highest_false_accept(0.5) is None
    header = json.loads(json.dumps(replace(checkpoint().info, pairs=before).to_json()))
    del header["pairs"]["false_accept_high"], header["pairs"]["familiar"]
    assert CheckpointInfo.from_json(header, "x").pairs == before


def test_headers_without_rates_are_read_and_damaged_rates_are_refused() -> None:
    header = checkpoint().info.to_json()
    assert CheckpointInfo.from_json(header, "x").pairs is None
    del header["pairs"]  # as written before there were any
    assert CheckpointInfo.from_json(header, "x").pairs is None
    rates = pair_rates(pair_scores(), "made up")
    good = json.loads(json.dumps(replace(checkpoint().info, pairs=rates).to_json()))
    assert CheckpointInfo.from_json({**good, "pairs": {**good["pairs"], "later": 1}}, "x").pairs == rates
    for damage in (
        {"same": [0.1, 0.2]},
        {"different": [2.0] * len(LEVELS)},
        {"threshold": 7},
        {"same": 3},
        *_NO_RATES,
    ):
        with pytest.raises(CheckpointError, match="damaged header"):
            CheckpointInfo.from_json({**good, "pairs": {**good["pairs"], **damage}}, "x")
    with pytest.raises(CheckpointError, match="damaged header"):
        CheckpointInfo.from_json({**good, "pairs": [1]}, "x")


def test_reliability_by_chance_puts_bins_at_their_probabilities() -> None:
    rates = pair_rates(sharp(), "made up")
    predicted, observed, counts = rates.reliability_by_chance(10)
    assert counts.sum() == sum(one.n for one in rates.reliability)
    for i, (chance, share, n) in enumerate(zip(predicted, observed, counts, strict=True)):
        assert (n == 0) == np.isnan(chance) == np.isnan(share)
        if n:
            assert i / 10 <= chance <= (i + 1) / 10


def test_values_out_of_range_are_refused() -> None:
    rates = pair_rates(pair_scores(), "made up")
    with pytest.raises(SettingsError, match=r"false-accept rate is 1\.5"):
        rates.threshold_at(1.5)
    with pytest.raises(SettingsError, match="rising"):
        replace(rates, same=tuple(reversed(rates.same)))
    assert lowest_measurable_rate(0) == 1
    assert lowest_measurable_rate(3000) == pytest.approx(0.001)
    assert 0 < chances(0.0, 2.0, 0.0) < chances(1.0, 2.0, 0.0) <= 1
