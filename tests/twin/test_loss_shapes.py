"""The loss of one pair and its slope, against the formulas."""

from __future__ import annotations

import math
from functools import partial

import pytest

from fsl.twin.loss_shapes import loss_shape
from fsl.twin.losses import bce_loss, contrastive_loss

LOGITS = [-6.0, -1.3, 0.0, 0.4, 6.0]
DISTANCES = [0.1, 0.6, 0.99, 1.4, 2.0]


@pytest.mark.parametrize("label", [0, 1])
def test_cross_entropy_has_the_slope_p_minus_t(label: int) -> None:
    shape = loss_shape(bce_loss, LOGITS, label)
    for z, loss, slope in zip(LOGITS, shape.loss, shape.slope, strict=True):
        p = 1 / (1 + math.exp(-z))
        assert loss == pytest.approx(-math.log(p if label else 1 - p), abs=1e-9)
        assert slope == pytest.approx(p - label, abs=1e-9)


def test_the_contrastive_loss_pulls_and_pushes_up_to_its_margin() -> None:
    contrastive = partial(contrastive_loss, margin=1.0)
    same, different = loss_shape(contrastive, DISTANCES, 0), loss_shape(contrastive, DISTANCES, 1)
    assert same.loss == pytest.approx([d * d / 2 for d in DISTANCES])
    assert same.slope == pytest.approx(DISTANCES)
    assert different.loss == pytest.approx([max(0, 1 - d) ** 2 / 2 for d in DISTANCES])
    assert different.slope == pytest.approx([-max(0, 1 - d) for d in DISTANCES])
