"""What the Learn page keeps for a browser session."""

from __future__ import annotations

from dataclasses import dataclass, field

from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState

_REMEMBERED = 4


@dataclass
class LearnState(TabState):
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

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo = Memo(_REMEMBERED)


learn_state = per_session("few_shot_lab_learn", LearnState)
"""The Learn page's state of this browser session."""
