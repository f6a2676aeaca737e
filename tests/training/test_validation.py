"""The loss on validation images, against losses that are known and naive loops."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from fsl.config import EpisodeConfig
from fsl.data.imageset import ImageSet
from fsl.training.state import new_state
from fsl.training.validation import MAX_LOSS_IMAGES, PlannedTest, rows_for_loss, run_test
from tests.helpers.training import CONFIG, MODEL


@pytest.mark.parametrize(("n_classes", "per_class"), [(201, 2), (20, 20), (41, 10)])
def test_a_network_that_always_answers_different_is_wrong_of_every_same_pair(
    coloured_set: Callable[..., ImageSet], n_classes: int, per_class: int
) -> None:
    state = new_state(CONFIG, MODEL)
    state.twin.head.weight.data.zero_()
    state.twin.head.bias.data.fill_(8.0)
    turns = run_test(
        state, PlannedTest(coloured_set(n_classes, per_class), EpisodeConfig(2, n_episodes=2)), lambda: False
    )
    while True:
        try:
            next(turns)
        except StopIteration as end:
            result = end.value
            break
    half_each = math.log1p(math.exp(8)) / 2 + math.log1p(math.exp(-8)) / 2
    assert result.event.loss == pytest.approx(half_each, rel=1e-5)


@pytest.mark.parametrize(
    ("n_classes", "per_class", "expected"),
    [
        (20, 20, {20: 20}),  # all
        (400, 1, {1: 400}),
        (201, 2, {2: 100}),
        (964, 20, {4: 100}),
        (41, 10, {9: 41}),
        (2, 1000, {200: 2}),
    ],
)
def test_pairs_of_both_kinds_make_up_the_loss(
    n_classes: int, per_class: int, expected: dict[int, int]
) -> None:
    labels = np.repeat(np.arange(n_classes) * 3, per_class)
    rows = rows_for_loss(labels)
    assert len(rows) <= MAX_LOSS_IMAGES
    assert (np.diff(rows) > 0).all()
    chosen = Counter(labels[rows].tolist())
    assert Counter(chosen.values()) == expected
    names = sorted(chosen)
    assert max(np.diff(names)) <= 3 * math.ceil(n_classes / len(names))  # from the whole range


def test_classes_of_one_image_do_not_take_the_place_of_same_pairs() -> None:
    labels = np.array([label for label in range(300) for _ in range(1 + label % 2)])
    rows = rows_for_loss(labels)
    assert set(Counter(labels[rows].tolist()).values()) == {2}
