"""Step 4: how the loss pulls same pairs together and pushes different pairs apart."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import similarity_text
from fsl.ui.components.curve import Axes, ChartOptions, Line, Mark, curves
from fsl.ui.pages.learn.drawing import Pull, pull_drawing
from fsl.ui.pages.learn.settings import DIFFERENCE, DISTANCE, LOSS
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded

if TYPE_CHECKING:
    from fsl.twin.loss_shapes import LossShape

_MARGIN = 1.0
_POINTS = 121
_AXES = {"bce": DIFFERENCE, "contrastive": DISTANCE}
_WORDS = {
    "bce": (
        "The loss of a pair says how wrong its difference is. The **slope** of the loss says which way "
        "training moves the pair: it pulls the difference of a same pair down and pushes that of a different "
        "pair up. The more confidently wrong the network is, the stronger the pull: up to 1, and almost 0 "
        "once the pair is right."
    ),
    "contrastive": (
        "The classic contrastive loss works on the distance itself. It pulls same pairs together like a "
        "spring and pushes different pairs apart, but only until they are one *margin* apart. Cross-entropy "
        "does the same without a margin to choose: its push fades by itself."
    ),
}


def show_loss(state: LearnState) -> None:
    """Show either loss, computed by the functions that training uses."""
    st.header("Together or apart: what the loss does to a pair", anchor=False)
    _loss()


@st.fragment
def _loss() -> None:
    with guarded():
        st.pills(**LOSS.widget(), label_visibility="collapsed", required=True, wrap=True)
        loss = LOSS.value
        st.markdown(_WORDS[loss])
        st.slider(**_AXES[loss].widget())
        at = _AXES[loss].value
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            _show_curves(loss, at)
        with right:
            _show_pulls(loss, at)


def _show_curves(loss: str, at: float) -> None:
    name = "difference" if loss == "bce" else "distance"
    low, high, _ = _AXES[loss].span or (0.0, 1.0, 0.1)
    grid = [low + (high - low) * i / (_POINTS - 1) for i in range(_POINTS)]
    shapes = {text: _shape(loss, grid, label) for text, label in (("same pair", 0), ("different pair", 1))}
    curves(
        [Line(text, grid, shape.loss, shape.loss) for text, shape in shapes.items()],
        key="learn_loss_curve",
        label=f"Loss of a same pair and of a different pair over their {name}",
        axes=Axes(name, low, high),
        options=ChartOptions(marks=(Mark(at, "your pair"),), smoothable=False, height=280),
    )


def _show_pulls(loss: str, at: float) -> None:
    if loss == "bce":
        probability = _probability(at)
        different, similarity = similarity_text(probability), similarity_text(1 - probability)
        st.markdown(f"Probability of being different: **{different}**; similarity {similarity}.")
    pulls = []
    for text, label in (("If they are the same", 0), ("If they are different", 1)):
        shape = _shape(loss, [at], label)
        pulls.append(Pull(text, shape.loss[0], shape.slope[0]))
    st.html(pull_drawing(pulls))


def _shape(loss: str, grid: list[float], label: int) -> LossShape:
    function = core.bce_loss if loss == "bce" else partial(core.contrastive_loss, margin=_MARGIN)
    return core.loss_shape(function, grid, label)


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
