"""What the Learn page keeps for a browser session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from fsl.ui.shared.memo import Memo

_KEY = "few_shot_lab_learn"
_REMEMBERED = 4


@dataclass
class LearnState:
    """What each step holds besides its settings.

    Attributes:
        riddle: seed of the riddle in step 1.
        guess: class guessed in step 1, "" before a guess.
        left: digest of the left picture in step 2, "" for the first picture.
        right: digest of the right picture in step 2, "" for the second picture.
        batch: seed of the pair batch in step 3.
        episode: seed of the episode in step 5.
        reference_number: seed of the reference picture in step 7.
        memo: embeddings and accuracies computed in step 5.
    """

    riddle: int = 0
    guess: str = ""
    left: str = ""
    right: str = ""
    batch: int = 0
    episode: int = 0
    reference_number: int = 0
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))

    def copied(self) -> LearnState:
        """Return a copy for another tab."""
        return replace(self)

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo = Memo(_REMEMBERED)


def learn_state() -> LearnState:
    """Return the state of this browser session."""
    state: LearnState = st.session_state.setdefault(_KEY, LearnState())
    return state
