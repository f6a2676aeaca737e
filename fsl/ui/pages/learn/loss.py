"""Step 4: how the loss pulls same pairs together and pushes different pairs apart."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import similarity_text
from fsl.ui.components.curve import Axes, ChartOptions, Line, Mark, curves
from fsl.ui.pages.learn.drawing import Pull, pull_drawing
from fsl.ui.pages.learn.state import LearnState, kept, take
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded

if TYPE_CHECKING:
    from fsl.twin.loss_shapes import LossShape

_LOSSES = {"bce": "Cross-entropy (the article's)", "contrastive": "Contrastive loss"}
_MARGIN = 1.0
_POINTS = 121
# For each loss: lowest and highest x, name of x, tooltip of the slider.
_AXES = {
    "bce": (
        -6.0,
        6.0,
        "difference",
        "The head's sum for a pair of pictures: negative = same, positive = different, 0 = undecided.",
    ),
    "contrastive": (0.0, 2.0, "distance", "How far apart the two embeddings are; the margin is 1."),
}
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
    _loss(state)


@st.fragment
def _loss(state: LearnState) -> None:
    with guarded():
        st.pills(
            "Loss",
            list(_LOSSES),
            key=kept(state, "loss"),
            format_func=lambda name: _LOSSES[name],
            label_visibility="collapsed",
            required=True,
            on_change=take,
            args=(state, "loss"),
            wrap=True,
        )
        st.markdown(_WORDS[state.loss])
        low, high, name, help_text = _AXES[state.loss]
        st.slider(
            f"{name.capitalize()} of the pair",
            low,
            high,
            step=0.1,
            key=kept(state, name),
            help=help_text,
            on_change=take,
            args=(state, name),
        )
        at = getattr(state, name)
        grid = [low + (high - low) * i / (_POINTS - 1) for i in range(_POINTS)]
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            _show_curves(state.loss, grid, at)
        with right:
            _show_pulls(state, at)


def _show_curves(loss: str, grid: list[float], at: float) -> None:
    low, high, name, _ = _AXES[loss]
    shapes = {text: _shape(loss, grid, label) for text, label in (("same pair", 0), ("different pair", 1))}
    curves(
        [Line(text, grid, shape.loss, shape.loss) for text, shape in shapes.items()],
        key="learn_loss_curve",
        label=f"Loss of a same pair and of a different pair over their {name}",
        axes=Axes(name, low, high),
        options=ChartOptions(marks=(Mark(at, "your pair"),), smoothable=False, height=280),
    )


def _show_pulls(state: LearnState, at: float) -> None:
    if state.loss == "bce":
        probability = _probability(at)
        rest = f"similarity {similarity_text(1 - probability)}"
        st.markdown(f"As a probability: **{probability:.2f}** different, so {rest}.")
    pulls = []
    for text, label in (("If they are the same", 0), ("If they are different", 1)):
        shape = _shape(state.loss, [at], label)
        pulls.append(Pull(text, shape.loss[0], shape.slope[0]))
    st.html(pull_drawing(pulls))


def _shape(loss: str, grid: list[float], label: int) -> LossShape:
    function = core.bce_loss if loss == "bce" else partial(core.contrastive_loss, margin=_MARGIN)
    return core.loss_shape(function, grid, label)


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))
