"""Show why two pictures are alike or not, with maps over both that get finer while one looks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.shared import core
from fsl.ui.shared.compare_state import compare_state
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.overlay import overlay_uri
from fsl.ui.shared.problems import show_fault
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.work import ReportProgress, Work

if TYPE_CHECKING:
    from fsl.fewshot.explain import Explanation, ExplanationMethod
    from fsl.fewshot.pictures import Picture
    from fsl.twin.checkpoint import Checkpoint

_METHODS: tuple[ExplanationMethod, ...] = ("each", "both", "gradient")
_NAMES: dict[ExplanationMethod, str] = {
    "each": "Cover parts of one",
    "both": "Cover parts of both",
    "gradient": "Gradient (fast, rough)",
}
_HELP = (
    "Parts of the pictures are blurred one by one, and the pair is compared again: what changes the answer "
    "matters. “Cover parts of both” blurs the same part of both, which suits pictures with the same framing, "
    "such as portraits. The gradient needs only a few passes through the network."
)
_POLL_SECONDS = 0.7
_CURRENT = "why_current"


@dataclass(eq=False)
class _Explaining:
    """The maps of one pair, found in a thread of their own.

    Attributes:
        found: the finest maps so far.
        work: the thread; it has no result of its own.
    """

    found: Explanation | None = None
    work: Work[None] = field(init=False)


def show_why(checkpoint: Checkpoint, left: Picture, right: Picture, key: str) -> None:
    """Show a button that draws the maps of one pair; the rest of the page does not wait for them.

    Args:
        checkpoint: the network.
        left: the reference or support picture.
        right: the probe or query.
        key: prefix of the widgets' keys.
    """
    st.fragment(_why)(checkpoint, left, right, key)


def _why(checkpoint: Checkpoint, left: Picture, right: Picture, key: str) -> None:
    with guarded(), st.container(border=True, key=f"{key}_card"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            method = st.selectbox(
                "Why this answer?",
                _METHODS,
                format_func=_NAMES.__getitem__,
                key=f"{key}_method",
                help=_HELP,
            )
            pressed = st.button("Show why", key=f"{key}_show", icon=":material/visibility:")
        inputs = ("why", checkpoint.digest, left.digest, right.digest, method)
        state = compare_state()
        explaining: _Explaining | None = state.memo.get(inputs)
        if explaining is None or explaining.work.was_given_up or (pressed and explaining.work.fault):
            if not pressed:
                return
            explaining = _start(checkpoint, left, right, method)
            state.memo.put(inputs, explaining)
        if explaining.work.is_over:
            _maps(explaining, left.name, right.name, key)
        else:
            st.fragment(_growing, run_every=_POLL_SECONDS)(explaining, left.name, right.name, key)


def _start(checkpoint: Checkpoint, left: Picture, right: Picture, method: ExplanationMethod) -> _Explaining:
    """Start to explain a pair, and give up the one that was explained before."""
    before = st.session_state.get(_CURRENT)
    if before is not None:
        before.work.cancel()
    explaining = _Explaining()

    def explain(report: ReportProgress) -> None:
        steps = core.explain_in_steps(checkpoint.twin, left.image, right.image, method)
        while True:
            with COMPUTE:  # given up between steps
                step = next(steps, None)
            if step is None:
                return
            explaining.found = step.explanation
            report(step.share, "Refining the maps")

    explaining.work = Work(explain)
    st.session_state[_CURRENT] = explaining
    return explaining


def _growing(explaining: _Explaining, left: str, right: str, key: str) -> None:
    """Poll the maps: show those made so far, and run the page again when they are finished."""
    if explaining.work.is_over:
        st.rerun()
    if explaining.found is None:
        explaining.work.wait(_POLL_SECONDS)  # the first maps are there soon: better than an empty card
    _maps(explaining, left, right, key)


def _maps(explaining: _Explaining, left: str, right: str, key: str) -> None:
    work, found = explaining.work, explaining.found
    show_fault(work.fault)
    if found is None:
        if not work.is_over:
            st.progress(0.0, "Comparing the two pictures")
        return
    strongest = max(float(abs(found.left).max()), float(abs(found.right).max()))
    maps = {
        "left": (left, found.left_pixels, found.left),
        "right": (right, found.right_pixels, found.right),
    }
    tiles = [
        Tile(side, overlay_uri(pixels, contributions, strongest), f"What matters in {name}")
        for side, (name, pixels, contributions) in maps.items()
    ]
    with st.container(key=f"{key}_maps"):
        picture_grid(tiles, key=f"{key}_pair", label="What matters in each picture", size="pair")
    if not work.is_over:
        st.progress(min(1.0, work.share or 0.0), "A first, rough answer; it gets finer")
    st.caption(
        "Green parts make the two more similar, orange parts less similar; parts without colour make no "
        "difference. The pictures are shown as the network sees them."
    )
