"""Why are two pictures alike or not? Maps over both; on the Compare page and on the Classify page."""

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
    from fsl.fewshot.explain import Explanation, Method
    from fsl.fewshot.support import Picture
    from fsl.twin.checkpoint import Checkpoint

_METHODS: tuple[Method, ...] = ("each", "both", "gradient")
_NAMES: dict[Method, str] = {
    "each": "Hide a bit of one",
    "both": "Hide the same bit of both",
    "gradient": "Gradient (quick, rough)",
}
_HELP = (
    "Bits of the pictures are blurred in turn and the pair compared again: what changes the answer matters. "
    "“The same bit of both” suits pictures taken alike, such as portraits. The gradient asks the network "
    "itself, in a few passes."
)


def show_why(checkpoint: Checkpoint, left: Picture, right: Picture, key: str) -> None:
    """A button, and then the maps of one pair; on their own, so that the page does not wait for them.

    Args:
        checkpoint: the network.
        left: the reference or support picture.
        right: the probe or query.
        key: of the widgets.
    """
    st.fragment(_why)(checkpoint, left, right, key)


def _why(checkpoint: Checkpoint, left: Picture, right: Picture, key: str) -> None:
    with guarded(), st.container(border=True, key=f"{key}_card"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            method = st.selectbox(
                "Why? What the answer rests on",
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
        with st.spinner("Asking the network" if method == "gradient" else "Hiding one bit after another"):
            found = state.memo.remember(inputs, lambda: _explain(checkpoint, left, right, method))
        strongest = max(float(abs(found.left).max()), float(abs(found.right).max()))
        maps = {
            "left": (left.name, found.left_pixels, found.left),
            "right": (right.name, found.right_pixels, found.right),
        }
        tiles = [
            Tile(side, overlay_uri(pixels, contributions, strongest), f"What counts in {name}")
            for side, (name, pixels, contributions) in maps.items()
        ]
        with st.container(key=f"{key}_maps"):
            picture_grid(tiles, key=f"{key}_pair", label="What counts in either picture", size="pair")
        st.caption(
            "Green: makes the two more alike. Orange: sets them apart. No colour: does not matter. Shown as "
            "the network sees them."
        )


def _explain(
    checkpoint: Checkpoint,
    left: Picture,
    right: Picture,
    method: Method,
) -> Explanation:

    with COMPUTE:
        return core.explain(checkpoint.twin, left.image, right.image, method)
