"""The linear discriminant that ``faces`` starts from."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from bench import init_faces
from bench.init_faces import discriminant


def faces(n_classes: int, gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Classes of two data sets that lie ``gap`` apart; spread unevenly within a class."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(12, 12))
    labels = np.repeat(np.arange(n_classes), 30)
    data_set = (labels >= n_classes // 2).astype(np.int64)
    features = 2 * rng.normal(size=(n_classes, 12))[labels] + rng.normal(size=(len(labels), 12)) @ mixing
    return features + gap * data_set[:, None] * rng.normal(size=12), labels, data_set


def test_without_a_gap_it_spans_what_scikit_learn_s_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_faces, "SHRINK", 0.0)
    monkeypatch.setattr(init_faces, "GAP_WEIGHT", 0.0)
    features, labels, data_set = faces(8, gap=0)
    # Means of the two sets are taken out before classes are compared; here they are made the same.
    for number in (0, 1):
        features[data_set == number] -= features[data_set == number].mean(0)
    weight, bias = discriminant(features, labels, data_set, 6)
    own = features @ weight.T + bias
    peer = LinearDiscriminantAnalysis(solver="eigen").fit(features, labels).transform(features)[:, :6]
    unexplained = np.linalg.lstsq(np.c_[peer, np.ones(len(peer))], own, rcond=None)[1]
    assert np.all(unexplained < 1e-6 * np.square(own - own.mean(0)).sum(0))
    assert np.abs(own).mean() == pytest.approx(1, rel=1e-5)


def test_no_two_classes_are_told_apart_by_their_data_set() -> None:
    features, labels, data_set = faces(8, gap=50)
    weight, bias = discriminant(features, labels, data_set, 4)
    projected = features @ weight.T + bias
    distance = np.linalg.norm(projected[data_set == 0].mean(0) - projected[data_set == 1].mean(0))
    before = np.linalg.norm(features[data_set == 0].mean(0) - features[data_set == 1].mean(0))
    spread = np.linalg.norm(projected - projected.mean(0), axis=1).mean()
    assert (
        before > 3 * np.linalg.norm(features[data_set == 0] - features[data_set == 0].mean(0), axis=1).mean()
    )
    assert distance < 0.1 * spread
