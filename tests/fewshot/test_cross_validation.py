"""The self-check on images that are hidden in turn, against naive loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from fsl.fewshot.classify import classify, leave_one_out, leave_one_out_answers
from fsl.fewshot.cross_validation import parts_to_hide, place_in_class
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.support import SupportSet
from tests.helpers.networks import checkpoint


def noise(slots: list[int]) -> SupportSet:
    """Return pictures of nothing, so that every right answer is chance."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (len(slots), 16, 16, 3), dtype=np.uint8)
    images = tuple(NamedImage(f"{i}", Image.fromarray(one), f"noise {i}") for i, one in enumerate(pixels))
    return SupportSet(tuple(f"class {i}" for i in range(max(slots) + 1)), images, tuple(slots))


@pytest.mark.parametrize(
    "slots",
    [[0, 1, 1], [*range(61)], [*range(60), 60, 60], [*range(31), *range(31)], [0] * 7 + [1] * 90 + [2]],
)
def test_every_image_but_the_only_one_of_a_class_is_hidden_once(slots: list[int]) -> None:
    parts = [part.tolist() for part in parts_to_hide(torch.tensor(slots))]
    assert sorted(row for part in parts for row in part) == [
        row for row, slot in enumerate(slots) if slots.count(slot) > 1
    ]
    for part in parts:
        assert part
        assert {slot for row, slot in enumerate(slots) if row not in part} == set(slots)
        assert len(slots) > 60 or len(part) == 1


@pytest.mark.parametrize("n", [0, 1, 50])
def test_place_in_class_equals_a_loop(n: int) -> None:
    slots = (np.random.default_rng(0).integers(-3, 4, n) * 5).tolist()
    places = [slots[:row].count(slot) for row, slot in enumerate(slots)]
    assert place_in_class(torch.tensor(slots, dtype=torch.int64)).tolist() == places


def test_classes_of_one_image_stay_possible_answers() -> None:
    slots = [*range(80), 80, 80, 81, 81]
    support = noise(slots)
    answers = leave_one_out_answers(checkpoint(), support, "mean")
    assert answers[:80] == [-1] * 80
    expected = []
    for row in range(80, 84):  # hidden together with the other class's image of the same place
        hidden = (row, 80 + (row - 80 + 2) % 4)
        kept = [i for i in range(84) if i not in hidden]
        shown = SupportSet(
            support.class_names, tuple(support.images[i] for i in kept), tuple(slots[i] for i in kept)
        )
        (answer,) = classify(checkpoint(), shown, [support.images[row]], "mean")
        expected.append(support.class_names.index(answer.label))
    assert answers[80:] == expected
    outcome = leave_one_out(checkpoint(), support, "mean")
    assert outcome is not None
    assert outcome.n_images == 4
    assert outcome.n_right == sum(a == s for a, s in zip(expected, slots[80:], strict=True)) <= 1


def test_a_support_set_without_any_pair_has_no_answers() -> None:
    support = noise([*range(61)])
    assert leave_one_out_answers(checkpoint(), support, "mean") == [-1] * 61
    assert leave_one_out(checkpoint(), support, "mean") is None
