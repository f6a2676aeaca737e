"""Evaluation in parts, and the figures computed from the answers, against loops and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from fsl.base.errors import DataError
from fsl.config import RULES, EpisodeConfig, ModelConfig
from fsl.fewshot import assess, evaluate
from fsl.fewshot.assess import (
    Answers,
    Contender,
    accuracy_grid,
    answer_in_parts,
    auroc,
    confused_images,
    fit_to_images,
    mistakes,
    most_confused,
    paired_difference,
    reliability,
)
from fsl.fewshot.episodes import sample_episodes
from fsl.twin.network import TwinNetwork
from tests.fewshot.helpers import checkpoint
from tests.fewshot.test_evaluate import clusters

CONFIG = EpisodeConfig(4, 2, 3, 50, seed=3)


def contender(rule: str = "mean", spread: float = 1.5) -> tuple[Contender, np.ndarray]:
    embeddings, labels = clusters(spread)
    return Contender("a", checkpoint().twin, embeddings, rule, 0.5), labels  # type: ignore[arg-type]


def last(config: EpisodeConfig = CONFIG, rule: str = "mean", spread: float = 1.5) -> Answers:
    one, labels = contender(rule, spread)
    *_, (answers,) = answer_in_parts([one], labels, config)
    return answers


@pytest.mark.parametrize("rule", RULES)
def test_parts_end_where_evaluate_does(rule: str) -> None:
    one, labels = contender(rule)
    *_, (answers,) = answer_in_parts([one], labels, CONFIG)
    whole = evaluate.evaluate(one.twin, one.embeddings, labels, CONFIG, one.rule)
    result = answers.result(6)
    assert result.accuracy == whole.accuracy
    assert result.ci95 == whole.ci95
    assert np.array_equal(result.confusion, whole.confusion)


def test_a_run_that_is_stopped_early_has_the_first_episodes() -> None:
    one, labels = contender()
    parts = answer_in_parts([one], labels, CONFIG)
    for _ in range(3):
        (early,) = next(parts)
    assert 0 < early.n_episodes < CONFIG.n_episodes
    assert np.array_equal(early.ways, last().ways[: early.n_episodes])


def test_all_contenders_answer_the_same_episodes() -> None:
    one, labels = contender()
    two = Contender("b", one.twin, torch.randn_like(one.embeddings), "max")
    for first, second in answer_in_parts([one, two], labels, CONFIG):
        assert np.array_equal(first.episodes.query, second.episodes.query)
    assert first.n_episodes == CONFIG.n_episodes


def test_confidence_and_similarity_are_those_of_the_scores() -> None:
    one, labels = contender()
    scores = evaluate.episode_scores(one.twin, one.embeddings, sample_episodes(labels, CONFIG), one.rule)
    answers = last()
    assert answers.confidence == pytest.approx((scores / 0.5).softmax(-1).amax(-1).numpy(), abs=1e-5)
    assert answers.similarity == pytest.approx(scores.sigmoid().amax(-1).numpy(), abs=1e-5)


def test_strangers_are_of_the_class_left_out() -> None:
    assert last().stranger_similarity is not None
    assert auroc(last(spread=0.05).similarity, last(spread=0.05).stranger_similarity) == 1.0
    everything = EpisodeConfig(6, 2, 3, 5)  # no class is left to leave out
    assert last(everything).stranger_similarity is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assess, "_SCORES_AT_ONCE", 1)
    monkeypatch.setattr(evaluate, "VALUES_AT_ONCE", 1)
    one, labels = contender()
    sizes = [answers.n_episodes for (answers,) in answer_in_parts([one], labels, CONFIG)]
    assert np.array_equal(np.diff(sizes), np.full(len(sizes) - 1, 1))
    *_, (answers,) = answer_in_parts([one], labels, CONFIG)
    assert np.array_equal(answers.ways, last().ways)


@pytest.mark.parametrize("head", ["absolute", "cosine"])
@pytest.mark.parametrize("centred", [False, True])
def test_episodes_at_once_equal_one_by_one(head: str, centred: bool) -> None:
    """Centring on the support set is each episode's own."""
    torch.manual_seed(1)
    model = ModelConfig(widths=(4, 4), image_size=16, head=head, centre_on_support=centred)  # type: ignore[arg-type]
    twin = TwinNetwork(model).eval()
    labels = np.repeat(np.arange(5), 8)
    embeddings = torch.randn(40, twin.embedding_dim)
    for rule in RULES:
        drawn = sample_episodes(labels, EpisodeConfig(3, 2, 2, 6))
        together = evaluate.episode_scores(twin, embeddings, drawn, rule)
        for e in range(6):
            one = type(drawn)(drawn.classes[e : e + 1], drawn.support[e : e + 1], drawn.query[e : e + 1])
            alone = evaluate.episode_scores(twin, embeddings, one, rule)
            assert torch.allclose(together[e], alone[0], atol=1e-4)


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


def test_auroc_is_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(1)
    known, strangers = rng.integers(2, 12, 200) / 10, rng.integers(0, 9, 90) / 10
    truth = np.r_[np.ones(200), np.zeros(90)]
    assert auroc(known, strangers) == pytest.approx(roc_auc_score(truth, np.r_[known, strangers]))


def test_a_paired_difference_forgets_how_hard_episodes_are() -> None:
    rng = np.random.default_rng(2)
    hardness = rng.normal(0.5, 0.3, 400)
    first, second = hardness + 0.05, hardness + rng.normal(0, 0.01, 400)
    found = paired_difference(first, second)
    assert found.mean == pytest.approx(np.mean(first - second))
    assert found.ci95 == pytest.approx(1.96 * np.std(first - second, ddof=1) / 20)
    assert found.is_clear
    assert not paired_difference(first, first).is_clear


def test_confused_images_equal_a_loop() -> None:
    answers = last()
    counts: dict[int, int] = {}
    for e in range(answers.n_episodes):
        for way in range(4):
            for q in range(3):
                given = answers.episodes.classes[e, answers.ways[e, way, q]]
                if answers.episodes.classes[e, way] == 2 and given == 5:
                    row = int(answers.episodes.query[e, way, q])
                    counts[row] = counts.get(row, 0) + 1
    found = confused_images(answers, 2, 5)
    assert counts
    assert {image.row: image.times for image in found} == counts
    assert [image.times for image in found] == sorted(counts.values(), reverse=True)
    assert all(image.times <= image.asked for image in found)
    assert sum(counts.values()) == answers.result(6).confusion[2, 5]


def test_the_grid_has_evaluates_figures_and_gaps_where_images_lack() -> None:
    one, labels = contender()
    cells = {(c.n_way, c.n_shot): c for c in accuracy_grid(one, labels, (2, 5, 7), (1, 11), CONFIG)}
    assert cells[7, 1].accuracy is None
    assert cells[2, 11].accuracy is None  # 11 shots and 3 queries of 12 images
    same = EpisodeConfig(5, 1, 3, 50, seed=3)
    expected = evaluate.evaluate(one.twin, one.embeddings, labels, same, one.rule)
    assert (cells[5, 1].accuracy, cells[5, 1].ci95) == (expected.accuracy, expected.ci95)


def test_settings_are_fitted_to_few_images_queries_first() -> None:
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    assert fit_to_images(EpisodeConfig(5, 1, 5, 10), labels) == EpisodeConfig(3, 1, 1, 10)
    assert fit_to_images(EpisodeConfig(2, 1, 2, 10), labels) == EpisodeConfig(2, 1, 2, 10)
    with pytest.raises(DataError, match="2 classes with at least 4 pictures each: 3 to show and 1 to ask"):
        fit_to_images(EpisodeConfig(2, 3, 5, 10), labels)


def test_mistakes_and_the_classes_confused_most() -> None:
    rng = np.random.default_rng(0)
    confusion = rng.integers(0, 4, (6, 6))
    wrong = {(t, a): int(confusion[t, a]) for t in range(6) for a in range(6) if t != a}
    ranked = sorted((pair for pair in wrong if wrong[pair]), key=lambda pair: (-wrong[pair], pair))
    assert mistakes(confusion, 5) == ranked[:5]
    assert mistakes(confusion, 99) == ranked
    assert mistakes(np.diag([3, 1]), 5) == []
    parts = [sum(n for pair, n in wrong.items() if row in pair) for row in range(6)]
    chosen = most_confused(confusion, 3)
    assert chosen == sorted(chosen)
    assert min(parts[row] for row in chosen) >= max(parts[row] for row in range(6) if row not in chosen)
