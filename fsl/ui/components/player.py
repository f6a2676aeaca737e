"""A play button and a slider through the moments of a training run."""

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
    """Show the player. Maps and curves with its key follow it in the browser, without the server.

    With reduced motion set in the system, pictures jump from moment to moment instead of gliding.

    Args:
        key: key of the widget.
        steps: batch number of each moment, rising; at least one.
        last: batch at which the run ends, for the text beside the slider.
    """
    _component(key=key, data={"player": key, "steps": list(steps), "last": last})
