"""Answers to episodes, part by part, against ``evaluate`` and loops."""

import numpy as np
import pytest
import torch

from fsl.base.errors import DataError
from fsl.config import RULES, EpisodeConfig
from fsl.fewshot import answers as module
from fsl.fewshot import evaluate
from fsl.fewshot.answers import Contender, fit_to_images, stream_answers
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.metrics import auroc
from tests.helpers.answers import EPISODES, answers_of, contender
from tests.helpers.networks import checkpoint


@pytest.mark.parametrize("rule", RULES)
def test_the_last_part_agrees_with_evaluate(rule: str) -> None:
    one, labels = contender(rule)
    *_, (answers,) = stream_answers([one], labels, EPISODES)
    whole = evaluate.evaluate(one.twin, one.embeddings, labels, EPISODES, one.rule)
    result = answers.result(6)
    assert result.accuracy == whole.accuracy
    assert result.ci95 == whole.ci95
    assert np.array_equal(result.confusion, whole.confusion)


def test_stopping_early_gives_the_first_episodes() -> None:
    one, labels = contender()
    parts = stream_answers([one], labels, EPISODES)
    for _ in range(3):
        (early,) = next(parts)
    assert 0 < early.n_episodes < EPISODES.n_episodes
    assert np.array_equal(early.ways, answers_of().ways[: early.n_episodes])


def test_all_contenders_answer_the_same_episodes() -> None:
    one, labels = contender()
    two = Contender("b", one.twin, torch.randn_like(one.embeddings), "max")
    for first, second in stream_answers([one, two], labels, EPISODES):
        assert np.array_equal(first.episodes.query, second.episodes.query)
    assert first.n_episodes == EPISODES.n_episodes


def test_confidence_and_similarity_are_those_of_the_scores() -> None:
    one, labels = contender()
    scores = evaluate.episode_scores(one.twin, one.embeddings, sample_episodes(labels, EPISODES), one.rule)
    answers = answers_of()
    assert answers.confidence == pytest.approx((scores / 0.5).softmax(-1).amax(-1).numpy(), abs=1e-5)
    assert answers.similarity == pytest.approx(scores.sigmoid().amax(-1).numpy(), abs=1e-5)


def test_open_set_queries_are_of_the_class_that_was_left_out() -> None:
    assert answers_of().unknown_similarity is not None
    assert auroc(answers_of(spread=0.05).similarity, answers_of(spread=0.05).unknown_similarity) == 1.0
    everything = EpisodeConfig(6, 2, 3, 5)  # no class is left to leave out
    assert answers_of(everything).unknown_similarity is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SCORES_AT_ONCE", 1)
    monkeypatch.setattr(evaluate, "VALUES_AT_ONCE", 1)
    one, labels = contender()
    sizes = [answers.n_episodes for (answers,) in stream_answers([one], labels, EPISODES)]
    assert np.array_equal(np.diff(sizes), np.full(len(sizes) - 1, 1))
    *_, (answers,) = stream_answers([one], labels, EPISODES)
    assert np.array_equal(answers.ways, answers_of().ways)


@pytest.mark.parametrize("head", ["absolute", "cosine"])
@pytest.mark.parametrize("centred", [False, True])
def test_episodes_at_once_equal_one_by_one(head: str, centred: bool) -> None:
    """Each episode is centred on its own support set."""
    twin = checkpoint(widths=(4, 4), head=head, centre_on_support=centred).twin
    labels = np.repeat(np.arange(5), 8)
    embeddings = torch.randn(40, twin.embedding_dim)
    for rule in RULES:
        drawn = sample_episodes(labels, EpisodeConfig(3, 2, 2, 6))
        together = evaluate.episode_scores(twin, embeddings, drawn, rule)
        for e in range(6):
            one = type(drawn)(drawn.classes[e : e + 1], drawn.support[e : e + 1], drawn.query[e : e + 1])
            alone = evaluate.episode_scores(twin, embeddings, one, rule)
            assert torch.allclose(together[e], alone[0], atol=1e-4)


def test_few_images_reduce_the_queries_first() -> None:
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    assert fit_to_images(EpisodeConfig(5, 1, 5, 10), labels) == EpisodeConfig(3, 1, 1, 10)
    assert fit_to_images(EpisodeConfig(2, 1, 2, 10), labels) == EpisodeConfig(2, 1, 2, 10)
    with pytest.raises(DataError, match="2 classes with at least 4 pictures each: 3 to show and 1 to ask"):
        fit_to_images(EpisodeConfig(2, 3, 5, 10), labels)
