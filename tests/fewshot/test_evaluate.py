from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fsl.config import RULES, EpisodeConfig, Rule
from fsl.fewshot import evaluate as module
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores, evaluate
from tests.helpers.embeddings import clusters
from tests.helpers.networks import checkpoint


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("limit", [4_000_000, 8])
def test_episode_scores_equal_loops(rule: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways agree: a table of distinct pairs, and one episode at a time."""
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
    """Keeps the size of the largest float tensor that is created."""

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
    assert perfect.episode_ci95 == 0.0
    assert perfect.ci95 == pytest.approx(3 / 72)  # what none of 72 pictures shows may be true of 3
    _, labels = clusters(1.0)
    torch.manual_seed(3)
    noise = evaluate(twin, torch.randn(len(labels), twin.embedding_dim), labels, config)
    assert noise.accuracy == pytest.approx(0.2, abs=0.05)


def test_confusion_and_per_class_agree_with_accuracy() -> None:
    result = evaluate(checkpoint().twin, *clusters(1.5), EpisodeConfig(6, 1, 3, 50))
    assert result.confusion.sum() == 6 * 3 * 50
    assert result.confusion.diagonal().sum() / result.confusion.sum() == pytest.approx(result.accuracy)
    assert result.per_class == pytest.approx(result.confusion.diagonal() / result.confusion.sum(1))
