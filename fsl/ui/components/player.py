"""A play button and a slider through the moments of a training run."""

from __future__ import annotations

from collections.abc import Sequence

from fsl.ui.components.declare import declare

_component = declare("player", '<div class="player"></div>', "player.js", "player.css")


def player(key: str, steps: Sequence[int], *, last: int) -> None:
    """Show the player. Maps and curves with its key follow it in the browser, without the server.

    With reduced motion set in the system, pictures jump from moment to moment instead of gliding.

    Args:
        key: key of the widget.
        steps: batch number of each moment, rising; at least one.
        last: batch at which the run ends, for the text beside the slider.
    """
    _component(key=key, data={"player": key, "steps": list(steps), "last": last})
