"""Intervals against a simulated truth: new classes and pictures drawn again and again."""

import tracemalloc

import numpy as np
import pytest

from fsl.base.types import Float64Array, IntArray
from fsl.config import EpisodeConfig
from fsl.fewshot.episodes import Episodes, sample_episodes
from fsl.fewshot.evaluate import EvaluationResult, summarise
from fsl.fewshot.intervals import _variance_of_mean, asked_together, paired_difference

PER_CLASS = 10


def measured(
    rng: np.random.Generator, n_classes: int, n_way: int, noise: float = 0.0
) -> list[EvaluationResult]:
    """Draw classes and pictures, and evaluate nearest neighbours on them; once more with noisy pictures."""
    centres = rng.normal(0, 1, (n_classes, 1, 8))
    spread = 0.6 * np.exp(0.3 * rng.normal(0, 1, (n_classes, 1, 1)))
    points = (centres + spread * rng.normal(0, 1, (n_classes, PER_CLASS, 8))).reshape(-1, 8)
    labels = np.repeat(np.arange(n_classes), PER_CLASS)
    episodes = sample_episodes(labels, EpisodeConfig(n_way, 1, 2, 60, int(rng.integers(1e6))))
    other = points + noise * rng.normal(0, 1, points.shape)
    return [summarise(episodes, nearest(episodes, one), n_classes) for one in (points, other)]


def nearest(episodes: Episodes, points: Float64Array) -> IntArray:
    distances = ((points[:, None] - points[None]) ** 2).sum(-1)
    queries = episodes.query.reshape(len(episodes.query), -1)
    found = distances[queries[:, :, None], episodes.support[:, None, :, 0]].argmin(-1)
    return found.reshape(episodes.query.shape)


@pytest.mark.parametrize("n_way", [2, 5, 9])
def test_questions_of_pairs_of_classes_are_counted_as_by_a_loop(n_way: int) -> None:
    episodes = sample_episodes(np.repeat(np.arange(9), 5), EpisodeConfig(n_way, 1, 3, 20))
    expected = np.zeros((11, 11), np.int64)
    for classes in episodes.classes:
        for true in classes:
            for other in classes:
                expected[true, other] += 3 * (true != other)
    found = asked_together(episodes, 11)
    assert found.dtype == np.int64
    assert (found == expected).all()


def test_counting_tests_of_many_ways_takes_little_memory() -> None:
    episodes = sample_episodes(np.repeat(np.arange(250), 2), EpisodeConfig(250, 1, 1, 100))
    asked_together(episodes, 250)  # loads scipy
    tracemalloc.start()
    asked_together(episodes, 250)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # an array of all pairs of all tests has 50 MB


@pytest.mark.parametrize(("n_classes", "n_way"), [(5, 5), (8, 3), (12, 5)])
def test_the_interval_holds_the_truth_about_the_kind(n_classes: int, n_way: int) -> None:
    rng = np.random.default_rng(0)
    truth = np.mean([measured(rng, 30, n_way)[0].accuracy for _ in range(60)])
    found = [measured(rng, n_classes, n_way)[0] for _ in range(120)]
    errors = np.array([abs(one.accuracy - truth) for one in found])
    assert np.mean(errors <= [one.ci95 or 0 for one in found]) >= 0.82
    assert np.mean(errors <= [one.episode_ci95 or 0 for one in found]) < 0.6  # the tests alone are too sure


def test_the_interval_of_a_difference_holds_the_true_difference() -> None:
    rng = np.random.default_rng(1)
    pairs = [measured(rng, 30, 5, noise=0.5) for _ in range(60)]
    truth = np.mean([first.accuracy - second.accuracy for first, second in pairs])
    found = [measured(rng, 12, 5, noise=0.5) for _ in range(80)]
    gaps = [paired_difference(first.asked, second.asked) for first, second in found]
    assert np.mean([abs(gap.mean - truth) <= gap.ci95 for gap in gaps]) >= 0.88
    wider = [gap.ci95 < (first.ci95 or 0) for gap, (first, _) in zip(gaps, found, strict=True)]
    assert np.mean(wider) > 0.7  # how hard the classes are cancels out
    assert not paired_difference(found[0][0].asked, found[0][0].asked).is_clear


def test_the_variance_of_a_mean_over_pairs_is_unbiased() -> None:
    rng = np.random.default_rng(2)
    means, estimates = [], []
    for _ in range(1500):
        effects, rest = rng.normal(0, 1.0, 7), rng.normal(0, 1.5, (7, 7))
        rates = effects[:, None] + effects[None] + np.triu(rest, 1) + np.triu(rest, 1).T
        np.fill_diagonal(rates, 0)
        means.append(rates.sum() / 42)
        estimates.append(_variance_of_mean(rates))
    assert np.mean(estimates) == pytest.approx(np.var(means), rel=0.15)


def test_two_classes_have_the_interval_of_their_pictures() -> None:
    result = measured(np.random.default_rng(3), 2, 2)[0]
    asked = result.asked
    n, total = int((asked.image_asked > 0).sum()), asked.image_asked.sum()
    share = asked.image_errors.sum() / total
    squares = sum((e - a * share) ** 2 for e, a in zip(asked.image_errors, asked.image_asked, strict=True))
    plain = 1.96 * (squares / total**2) ** 0.5
    assert result.ci95 is not None
    assert max(plain, 3 / n) <= result.ci95 <= max(1.15 * plain, 3 / n)


def test_one_episode_has_no_interval() -> None:
    rng = np.random.default_rng(4)
    episodes = sample_episodes(np.repeat(np.arange(4), 6), EpisodeConfig(3, 1, 2, 1))
    result = summarise(episodes, rng.integers(0, 3, (1, 3, 2)), 4)
    assert (result.ci95, result.episode_ci95) == (None, None)
    assert np.isnan(paired_difference(result.asked, result.asked).ci95)
