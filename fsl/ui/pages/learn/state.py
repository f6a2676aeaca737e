"""What the Learn page keeps for a browser session."""

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
    """The current step, and the settings of each step.

    Attributes:
        step: key of the current step, "" for the first.
        riddle: seed of the riddle in step 1.
        guess: class guessed in step 1, "" before a guess.
        left: digest of the left picture in step 2, "" for the first picture.
        right: digest of the right picture in step 2, "" for the second picture.
        batch: seed of the pair batch in step 3.
        loss: loss drawn in step 4.
        difference: logit of the pair in step 4.
        distance: distance of the pair's embeddings in step 4.
        kind: kind of pictures in step 5.
        ways: number of classes in step 5.
        shots: examples per class in step 5.
        episode: seed of the episode in step 5.
        bet: learning rate that the reader expects to learn nothing in step 6; None before a bet.
        batches: batches of the recorded runs shown in step 6.
        limit: similarity at or above which two pictures count as the same in step 7.
        couple: seed of the reference picture in step 7.
        memo: embeddings and accuracies computed in step 5.
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
    """Return the state of this browser session."""
    state: LearnState = st.session_state.setdefault(_KEY, LearnState())
    return state


def kept(state: LearnState, name: str) -> str:
    """Give a widget the kept value of a setting, because Streamlit forgets it when the page changes.

    Args:
        state: state of the session.
        name: attribute that holds the setting.

    Returns:
        the widget's key; pass :func:`take` as its ``on_change``.
    """
    key = f"learn_{name}"
    st.session_state[key] = getattr(state, name)
    return key


def take(state: LearnState, name: str) -> None:
    """Keep the value of a widget; an empty choice leaves the setting unchanged."""
    value = st.session_state[f"learn_{name}"]
    if value is not None:
        setattr(state, name, value)
