"""A play button and a slider for everything on the page that shows moments of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "few_shot_lab_player",
    html='<div class="player"></div>',
    css=(_HERE / "player.css").read_text(encoding="utf-8"),
    js=(_HERE / "player.js").read_text(encoding="utf-8"),
)


def player(key: str, steps: Sequence[int], *, last: int) -> None:
    """Show the player; moving maps and curves that name its key follow it, without asking the server.

    Whoever asked their system for less motion gets jumps from moment to moment instead of a glide.

    Args:
        key: of the widget.
        steps: the moments, rising; at least one.
        last: step at which the training ends, for the words beside the slider.
    """
    _component(key=key, data={"player": key, "steps": list(steps), "last": last})
