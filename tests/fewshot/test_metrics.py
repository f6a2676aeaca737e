"""Figures computed from answers, against loops."""

import math

import numpy as np
import pytest

from fsl.fewshot.metrics import auroc, ci95, reliability


def test_interval_is_that_of_a_mean() -> None:
    values = np.array([0.0, 1.0, 1.0, 0.5])
    deviation = math.sqrt(sum((v - values.mean()) ** 2 for v in values) / 3)
    assert ci95(values) == pytest.approx(1.96 * deviation / 2)
    assert ci95(np.array([0.3])) == 0.0


def test_reliability_equals_a_loop() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(500)
    confidence[:2] = 0.0, 1.0
    right = rng.random(500) < confidence**2
    found = reliability(confidence, right, 10)
    gap = 0.0
    for b in range(10):
        inside = [
            i for i in range(500) if b / 10 <= confidence[i] < (b + 1) / 10 or (b == 9 and confidence[i] == 1)
        ]
        assert found.counts[b] == len(inside)
        mean, share = np.mean(confidence[inside]), np.mean(right[inside])
        assert found.confidence[b] == pytest.approx(mean)
        assert found.accuracy[b] == pytest.approx(share)
        gap += len(inside) / 500 * abs(mean - share)
    assert found.error == pytest.approx(gap)


def test_empty_bins_have_no_numbers() -> None:
    found = reliability(np.array([0.95, 0.99]), np.array([True, True]))
    assert np.isnan(found.accuracy[:9]).all()
    assert found.error == pytest.approx(0.03)


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(1)
    known, unknown = rng.integers(2, 12, 200) / 10, rng.integers(0, 9, 90) / 10
    gaps = known[:, None] - unknown[None, :]
    assert (gaps == 0).any()  # ties count half
    assert auroc(known.reshape(50, 4), unknown) == pytest.approx(((gaps > 0) + 0.5 * (gaps == 0)).mean())
