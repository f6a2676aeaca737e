"""Show why two pictures are alike or not, with maps over both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.shared import core
from fsl.ui.shared.compare_state import compare_state
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.overlay import overlay_uri
from fsl.ui.shared.resources import COMPUTE

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
        if not pressed and inputs not in state.memo:
            return
        with st.spinner(
            "Computing the gradient" if method == "gradient" else "Covering one part after another"
        ):
            found = state.memo.remember(inputs, lambda: _explain(checkpoint, left, right, method))
        strongest = max(float(abs(found.left).max()), float(abs(found.right).max()))
        maps = {
            "left": (left.name, found.left_pixels, found.left),
            "right": (right.name, found.right_pixels, found.right),
        }
        tiles = [
            Tile(side, overlay_uri(pixels, contributions, strongest), f"What matters in {name}")
            for side, (name, pixels, contributions) in maps.items()
        ]
        with st.container(key=f"{key}_maps"):
            picture_grid(tiles, key=f"{key}_pair", label="What matters in each picture", size="pair")
        st.caption(
            "Green parts make the two more similar, orange parts less similar; parts without colour make no "
            "difference. The pictures are shown as the network sees them."
        )


def _explain(
    checkpoint: Checkpoint,
    left: Picture,
    right: Picture,
    method: ExplanationMethod,
) -> Explanation:
    with COMPUTE:
        return core.explain(checkpoint.twin, left.image, right.image, method)
