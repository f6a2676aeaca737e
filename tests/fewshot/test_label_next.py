"""Which queries to label next."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from fsl.fewshot.label_next import doubts, label_next
from tests.fewshot.test_results import PREDICTION


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return 1 - float(first @ second) / math.sqrt(float(first @ first) * float(second @ second))


@pytest.mark.parametrize("seed", range(5))
def test_each_choice_is_the_most_doubtful_and_farthest_from_all_examples(seed: int) -> None:
    """The definition written down pair by pair."""
    rng = np.random.default_rng(seed)
    queries, support, doubts = rng.normal(size=(12, 4)), rng.normal(size=(3, 4)), rng.uniform(size=12)
    doubts[rng.integers(12, size=3)] = 0
    found = label_next(*map(torch.tensor, (queries, support, doubts)), 5)
    expected: list[int] = []
    for _ in range(5):
        known = [*support, *queries[expected]]
        gains = {
            i: doubts[i] * min(distance(queries[i], example) for example in known)
            for i in range(12)
            if doubts[i] > 0 and i not in expected
        }
        expected.append(max(gains, key=gains.__getitem__))
    assert found == expected


def test_copies_of_one_uncertain_picture_are_asked_about_once() -> None:
    """Three near copies and one other: the least certain alone would be the three copies."""
    queries, support = torch.tensor([[1, 0.01, 0], [1, 0.02, 0], [1, 0, 0], [0, 1, 0]]), torch.eye(3)[2:]
    assert label_next(queries, support, torch.tensor([0.9, 0.9, 0.9, 0.5]), 2) == [0, 3]
    assert label_next(queries, support, torch.zeros(4), 2) == []
    assert len(label_next(queries, support, torch.ones(4), 9)) == 4


def test_an_even_choice_and_a_similarity_at_the_limit_are_the_most_doubtful() -> None:
    even = replace(PREDICTION, scores={"a": 0.5, "b": 0.5})
    sure = replace(PREDICTION, scores={"a": 1.0, "b": 0.0})
    assert doubts([sure, PREDICTION, even]) == [0, 0.5, 1]
    near = replace(PREDICTION, unknown=True, threshold=0.8, class_similarity={"a": 0.8, "b": 0.1})
    far = replace(near, class_similarity={"a": 0.08, "b": 0.04})
    assert doubts([near, far]) == pytest.approx([1, 0.1])
    assert doubts([]) == []
