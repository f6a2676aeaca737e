"""The settings of a decision in the address: ``?network=fruits&rule=max&limit=0.80``."""

from __future__ import annotations

from fsl.config import METHODS, TIMM
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.state import Session

_PAGE = "classify"


def take_address(state: Session) -> None:
    """Set what the address asks for; what makes no sense is left alone."""
    asked = read_address(_PAGE)
    wished = asked.get("network", state.checkpoint)
    # One that is not installed gives the default one; and no link makes this server download anything.
    if wished != state.checkpoint and not wished.startswith(TIMM):
        state.use_network(wished)
    for rule in METHODS:
        if asked.get("rule") == rule:
            state.rule = rule
    limit = _number(asked.get("limit", ""))
    if limit is not None and 0 <= limit <= 1:
        state.threshold = limit


def show_address(state: Session) -> None:
    """Put the settings into the address, so that it can be kept or sent."""
    limit = "" if state.threshold is None else f"{state.threshold:.2f}"
    write_address(_PAGE, {"network": state.checkpoint, "rule": state.rule or "", "limit": limit})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
