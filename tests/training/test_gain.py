"""What may be chance, against exact and simulated answers."""

import tracemalloc

import numpy as np
import pytest

from fsl.fewshot.episodes import Episodes
from fsl.training.gain import chance_of, interval_over_pictures, picture_accuracy


def test_chance_is_that_of_the_sign_test() -> None:
    """With equal differences, a permutation test is the sign test, whose answer is known."""
    n = 8
    exact = 2 * 0.5**n  # all of one sign
    assert chance_of(np.zeros(n), np.ones(n)) == pytest.approx(exact, abs=0.004)
    assert chance_of(np.zeros(n), np.array([1.0, -1.0] * (n // 2))) == 1.0
    assert chance_of(np.zeros(0), np.zeros(0)) == 1.0
    assert chance_of(np.array([0.5, np.nan]), np.array([0.5, 1.0])) == 1.0


def test_many_pictures_take_little_memory_and_the_same_draws() -> None:
    before, after = np.random.default_rng(0).random((2, 1500))
    signs = np.random.default_rng(3).choice((-1.0, 1.0), (4999, 1500))
    as_large = np.abs(signs @ (after - before)) >= abs((after - before).sum()) - 1e-9
    tracemalloc.start()
    found = chance_of(before, after, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == (1 + as_large.sum()) / 5000
    assert peak < 30e6  # all signs at once have 60 MB, and their draw as much


def test_equal_networks_seem_different_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(0)
    found = [chance_of(*rng.random((2, 30)), seed) for seed in range(200)]
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.10


def test_the_interval_counts_classes_as_well_as_pictures() -> None:
    """Pictures of one class that are all alike are worth one picture."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 20)
    values = rng.random(10)[labels]
    low, high = interval_over_pictures(values, labels)
    assert low < values.mean() < high
    by_class = 1.96 * values[::20].std(ddof=1) / np.sqrt(10)
    assert (high - low) / 2 == pytest.approx(by_class, rel=0.25)


def test_each_picture_has_its_share_of_right_answers() -> None:
    query = np.array([[[0], [2]], [[0], [3]]])
    episodes = Episodes(np.zeros((2, 2), np.int64), query, query)
    right = np.array([[[True], [False]], [[False], [True]]])
    found = picture_accuracy(episodes, right, 5)
    assert found[[0, 2, 3]].tolist() == [0.5, 0.0, 1.0]
    assert np.isnan(found[[1, 4]]).all()
