"""Calibration of probabilities and of the "unknown" threshold."""

import numpy as np
import pytest
import torch

from fsl.config import EpisodeConfig
from fsl.fewshot.calibrate import balanced_threshold, calibrate, fit_temperature
from tests.helpers.embeddings import clusters
from tests.helpers.networks import checkpoint


def test_temperature_is_found() -> None:
    """Scores that are the true logits times 3 need temperature 3."""
    torch.manual_seed(0)
    logits = torch.randn(20_000, 5)
    targets = torch.distributions.Categorical(logits=logits).sample()
    assert fit_temperature(3 * logits, targets) == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("n", [10, 1000])
def test_all_answers_correct_does_not_make_the_network_certain(n: int) -> None:
    """With two classes, the most likely probability of a wrong answer is then half of 1 / (n + 2)."""
    margin, wrong = 10.0, 0.5 / (n + 2)
    scores = torch.tensor([[margin, 0.0]]).repeat(n, 1)
    found = fit_temperature(scores, torch.zeros(n, dtype=torch.int64))
    assert found == pytest.approx(margin / np.log((1 - wrong) / wrong), rel=1e-3)


def test_threshold_balances_the_errors() -> None:
    torch.manual_seed(0)
    known, unknown = torch.rand(4000) * 0.6 + 0.4, torch.rand(4000) * 0.6
    threshold, false_reject, false_accept = balanced_threshold(known, unknown)
    assert threshold == pytest.approx(0.5, abs=0.02)
    assert false_reject == pytest.approx((known < threshold).float().mean().item(), abs=1e-6)
    assert false_accept == pytest.approx((unknown >= threshold).float().mean().item(), abs=1e-6)
    assert abs(false_reject - false_accept) < 0.01


def test_calibration_separates_unknown_classes() -> None:
    embeddings, labels = clusters(0.1)
    found = calibrate(checkpoint().twin, embeddings, labels, "mean", EpisodeConfig(5, 2, 2, 50), "clusters")
    assert found.false_reject is not None
    assert found.false_reject < 0.05
    assert found.temperature > 0
    assert "clusters" in found.fitted_on
