import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fsl.config import RULES, EpisodeConfig, Rule
from fsl.fewshot import evaluate as module
from fsl.fewshot.calibrate import balanced_threshold, calibrate, fit_temperature
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores, evaluate
from fsl.fewshot.metrics import ci95
from tests.helpers.embeddings import clusters
from tests.helpers.networks import checkpoint


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("limit", [4_000_000, 8])
def test_episode_scores_equal_loops(rule: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of computing them: one table of distinct pairs, and episode by episode."""
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", limit)
    twin = checkpoint().twin
    embeddings, labels = clusters(1.0)
    episodes = sample_episodes(labels, EpisodeConfig(4, 3, 2, 5))
    scores = episode_scores(twin, embeddings, episodes, rule)  # type: ignore[arg-type]
    for e, way, q in [(0, 0, 0), (2, 3, 1), (4, 1, 0)]:
        query = embeddings[episodes.query[e, way, q]]
        for other in range(4):
            shots = embeddings[episodes.support[e, other]]
            if rule == "prototype":
                shots = shots.mean(0, keepdim=True)
            logits = torch.stack([twin.head(query, shot) for shot in shots])
            expected = -(logits.min() if rule == "max" else logits.mean())
            assert scores[e, way, q, other].item() == pytest.approx(expected.item(), abs=1e-4)


class LargestTensor(TorchDispatchMode):
    """Remembers how many numbers the largest float tensor has that is made."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else (made,):
            if isinstance(one, torch.Tensor) and one.is_floating_point():
                self.numel = max(self.numel, one.numel())
        return made


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("limit", [4_000_000, 8])
def test_memory_does_not_grow_with_the_number_of_episodes(
    rule: Rule, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", limit)
    monkeypatch.setattr(module, "VALUES_AT_ONCE", 4_000)
    largest = []
    for n_episodes in (100, 800):
        with LargestTensor() as seen:
            evaluate(checkpoint().twin, *clusters(1.0), EpisodeConfig(5, 3, 4, n_episodes), rule)
        largest.append(seen.numel)
    assert largest[0] == largest[1]
    assert largest[0] < 800 * 5 * 4 * 5


def test_separate_clusters_are_perfect_and_noise_is_chance() -> None:
    twin = checkpoint().twin
    config = EpisodeConfig(5, 1, 2, 400)
    perfect = evaluate(twin, *clusters(0.01), config)
    assert perfect.accuracy == 1.0
    assert perfect.ci95 == 0.0
    _, labels = clusters(1.0)
    torch.manual_seed(3)
    noise = evaluate(twin, torch.randn(len(labels), twin.embedding_dim), labels, config)
    assert noise.accuracy == pytest.approx(0.2, abs=0.05)


def test_confusion_and_per_class_agree_with_accuracy() -> None:
    result = evaluate(checkpoint().twin, *clusters(1.5), EpisodeConfig(6, 1, 3, 50))
    assert result.confusion.sum() == 6 * 3 * 50
    assert result.confusion.diagonal().sum() / result.confusion.sum() == pytest.approx(result.accuracy)
    assert result.per_class == pytest.approx(result.confusion.diagonal() / result.confusion.sum(1))


def test_interval_is_that_of_a_mean() -> None:
    values = np.array([0.0, 1.0, 1.0, 0.5])
    deviation = math.sqrt(sum((v - values.mean()) ** 2 for v in values) / 3)
    assert ci95(values) == pytest.approx(1.96 * deviation / 2)
    assert ci95(np.array([0.3])) == 0.0


def test_temperature_is_found() -> None:
    """Scores that are the true logits times 3 need temperature 3."""
    torch.manual_seed(0)
    logits = torch.randn(20_000, 5)
    targets = torch.distributions.Categorical(logits=logits).sample()
    assert fit_temperature(3 * logits, targets) == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("n", [10, 1000])
def test_answers_that_are_all_right_are_not_taken_for_certain(n: int) -> None:
    """Between two classes the likeliest chance of a wrong answer is then half of one in n + 2."""
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


def test_calibration_tells_unknown_classes_apart() -> None:
    embeddings, labels = clusters(0.1)
    found = calibrate(checkpoint().twin, embeddings, labels, "mean", EpisodeConfig(5, 2, 2, 50), "clusters")
    assert found.false_reject is not None
    assert found.false_reject < 0.05
    assert found.temperature > 0
    assert "clusters" in found.fitted_on
