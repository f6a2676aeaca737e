"""How pictures are compared, in the address: ``?network=faces&rate=0.01``, or ``rate=equal``."""

from __future__ import annotations

from fsl.config import TIMM
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.compare_state import (
    EQUAL,
    FALSE_ACCEPTS,
    USUAL_STRICTNESS,
    CompareState,
    Strictness,
)

_PAGE = "compare"
_RATES: dict[str, Strictness] = {str(rate): rate for rate in (*FALSE_ACCEPTS, EQUAL)}


def take_address(state: CompareState) -> None:
    """Set what the address asks for; what makes no sense is left alone."""
    asked = read_address(_PAGE)
    wished = asked.get("network", state.network)
    # No link makes the server download a network.
    if not wished.startswith(TIMM):
        state.network = wished
    state.strictness = _RATES.get(asked.get("rate", ""), state.strictness)


def show_address(state: CompareState) -> None:
    """Put it into the address; the usual rate goes without saying."""
    rate = "" if state.strictness == USUAL_STRICTNESS else str(state.strictness)
    write_address(_PAGE, {"network": state.network, "rate": rate})
