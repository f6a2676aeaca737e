"""Step 2: a drawing of the twin network with two chosen pictures passing through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.learn.drawing import twin_drawing
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded, guarded_callback
from fsl.ui.shared.network_in_use import network_in_use
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.small_tasks import small_task
from fsl.ui.shared.state import session
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from fsl.fewshot.trace import PairTrace

_OWN_SHOWN = 8
_WORDS = (
    "It is called a **twin** network because both pictures go through *the same* **backbone**, which turns "
    "each into an **embedding**: a list of numbers. The **head** takes the difference of the two lists, "
    "number by number, weights each difference by its learned importance, and adds them up. A sigmoid turns "
    "the sum into the probability that the two are different. One minus that is their **similarity**."
)


def show_twin(state: LearnState) -> None:
    """Show the drawing and the pictures to choose from."""
    st.header("One network looks at both pictures", anchor=False)
    st.markdown(_WORDS)
    _twin(state)


@st.fragment
def _twin(state: LearnState) -> None:
    with guarded():
        pictures = _pictures()
        left = _found(pictures, state.left, 0)
        right = _found(pictures, state.right, 1)
        columns = st.columns(2, gap="large")
        for column, side, picture in zip(columns, ("left", "right"), (left, right), strict=True):
            with column:
                _show_choice(state, pictures, side, picture)  # type: ignore[arg-type]
        with waiting("The network is comparing both", "learn_twin", 420):
            trace = _trace(left, right)
        st.html(twin_drawing(left, right, trace))


def _pictures() -> Sequence[StoredPicture]:
    """Return drawn examples, then up to ``_OWN_SHOWN`` pictures from the Classify page."""
    drawn = small_task("drawn", 4, 2, 1, 3).labelled
    workspace = session().workspace
    own = [picture for card in workspace.classes for picture in card.pictures] + list(workspace.queries)
    unique = {picture.digest: picture for picture in [p for _, p in drawn] + own[:_OWN_SHOWN]}
    return list(unique.values())


def _found(pictures: Sequence[StoredPicture], digest: str, default: int) -> StoredPicture:
    return next((p for p in pictures if p.digest == digest), pictures[default])


def _show_choice(
    state: LearnState, pictures: Sequence[StoredPicture], side: Literal["left", "right"], now: StoredPicture
) -> None:
    def select(digest: str) -> None:
        setattr(state, side, digest)

    st.markdown(f"**{side.capitalize()} picture**")
    picture_grid(
        [Tile(p.digest, p.thumbnail, p.name) for p in pictures],
        key=f"twin_{side}",
        label=f"The {side} picture",
        actions=Actions(select=guarded_callback(select)),
        selected=now.digest,
    )


def _trace(left: StoredPicture, right: StoredPicture) -> PairTrace:
    checkpoint = network_in_use()
    with COMPUTE:
        return core.trace_pair(checkpoint, left, right)
