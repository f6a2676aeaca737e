import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fsl.base.errors import SettingsError
from fsl.twin.pairs import ClassIndex, all_pairs, choose_classes, class_batch, random_pairs

LABELS = np.repeat(np.arange(6), 5)
NAMES = ("a/0", "a/1", "a/2", "b/0", "b/1", "b/2")


def index() -> ClassIndex:
    return ClassIndex(LABELS, NAMES)


@given(n_pairs=st.integers(2, 60), seed=st.integers(0, 10_000))
def test_random_pairs_have_correct_labels(n_pairs: int, seed: int) -> None:
    batch = random_pairs(index(), n_pairs, np.random.default_rng(seed))
    different = LABELS[batch.left] != LABELS[batch.right]
    assert (different == (batch.difference == 1)).all()
    assert (batch.left != batch.right).all()
    assert (batch.difference == 0).sum() == n_pairs // 2


@given(p=st.integers(2, 9), k=st.integers(2, 7), seed=st.integers(0, 10_000))
def test_class_batch_has_different_classes_and_images(p: int, k: int, seed: int) -> None:
    batch = class_batch(index(), p, k, np.random.default_rng(seed))
    assert len(set(batch.rows.tolist())) == len(batch.rows) == min(p, 6) * min(k, 5)
    by_slot = {slot: {int(x) for x in LABELS[batch.rows[batch.slots == slot]]} for slot in set(batch.slots)}
    assert all(len(labels) == 1 for labels in by_slot.values())
    assert len(set.union(*by_slot.values())) == min(p, 6)


def test_all_pairs_are_all_pairs() -> None:
    slots = torch.tensor([0, 0, 1, 2, 2])
    first, second, difference = all_pairs(slots)
    expected = list(itertools.combinations(range(5), 2))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
    assert difference.tolist() == [float(slots[i] != slots[j]) for i, j in expected]


def test_64_images_make_2016_pairs() -> None:
    assert len(all_pairs(torch.arange(16).repeat_interleave(4))[0]) == 2016


@given(seed=st.integers(0, 1000))
def test_focus_draws_from_one_group_first(seed: int) -> None:
    chosen = choose_classes(index(), 3, np.random.default_rng(seed), focus=1.0, focus_groups=1)
    assert len({NAMES[c][0] for c in chosen}) == 1
    more = choose_classes(index(), 5, np.random.default_rng(seed), focus=1.0, focus_groups=1)
    assert len(set(more.tolist())) == 5


def test_classes_with_one_image_make_no_pairs() -> None:
    assert len(ClassIndex(np.array([0, 0, 1, 1, 2]), ("a", "b", "c"))) == 2
    with pytest.raises(SettingsError, match="2 classes"):
        ClassIndex(np.array([0, 0, 1, 2]), ("a", "b", "c"))


def test_same_seed_same_batches() -> None:
    a, b = (random_pairs(index(), 16, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a.left, b.left)
    assert np.array_equal(a.difference, b.difference)
