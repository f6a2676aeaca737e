"""What the Learn page remembers of a browser session, under one key of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import streamlit as st

from fsl.ui.shared.memo import Memo
from fsl.ui.shared.small_tasks import Kind

_KEY = "few_shot_lab_learn"
_REMEMBERED = 4


@dataclass
class LearnState:
    """Where the reader is, and what each step is set to.

    Attributes:
        step: key of the step, "" for the first.
        riddle: number of the riddle of the first step.
        guess: class guessed for it, "" for none yet.
        left: digest of the left picture of the twin, "" for the first one.
        right: digest of the right one.
        batch: number of the pair batch.
        loss: which loss is drawn.
        difference: what the twin says of the pair, a logit.
        distance: of the pair's embeddings.
        kind: pictures of the episode.
        ways: its classes.
        shots: its examples of each class.
        episode: number of the draw.
        bet: the learning rate that the reader thinks learns nothing; none before there is a bet.
        batches: how far the recorded runs are shown.
        limit: similarity from which on two pictures count as the same.
        couple: number of the reference picture of the last step.
        memo: embeddings of many pictures, and how well they answer.
    """

    step: str = ""
    riddle: int = 0
    guess: str = ""
    left: str = ""
    right: str = ""
    batch: int = 0
    loss: Literal["bce", "contrastive"] = "bce"
    difference: float = 1.0
    distance: float = 0.5
    kind: Kind = "drawn"
    ways: int = 5
    shots: int = 2
    episode: int = 0
    bet: float | None = None
    batches: int = 300
    limit: float = 0.5
    couple: int = 0
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))


def learn_state() -> LearnState:
    """This browser session's."""
    state: LearnState = st.session_state.setdefault(_KEY, LearnState())
    return state


def kept(state: LearnState, name: str) -> str:
    """Prepare a widget for one of the settings: give it the kept value, as its own is lost with the page.

    Args:
        state: of the session.
        name: of the attribute.

    Returns:
        the widget's key; its ``on_change`` is to be :func:`take`.
    """
    key = f"learn_{name}"
    st.session_state[key] = getattr(state, name)
    return key


def take(state: LearnState, name: str) -> None:
    """Keep what a widget was set to; nothing chosen leaves the setting as it is."""
    value = st.session_state[f"learn_{name}"]
    if value is not None:
        setattr(state, name, value)
