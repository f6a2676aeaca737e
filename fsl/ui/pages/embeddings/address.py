"""What the map shows, in the address: ``?source=digits&network=fruits&beside=glyphs``, or ``?run=ID,ID``."""

from __future__ import annotations

from fsl.config import TIMM
from fsl.ui.pages.embeddings.sources import source_keys
from fsl.ui.pages.embeddings.state import UPLOAD, MapState, choose
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.page_links import MOST_RUNS_ON_MAP

_PAGE = "embeddings"
# Links that people have kept may use these keys, and "set_NAME" for named data sets.
_FORMER_KEYS = {"drawn": "rendered"}


def take_address(state: MapState) -> None:
    """Set what the address asks for; what is not there is left alone."""
    asked = read_address(_PAGE)
    key = asked.get("source", "").removeprefix("set_")
    key = _FORMER_KEYS.get(key, key)
    if key in source_keys(state):  # no link makes the server download pictures
        choose(state, key)
    if "network" in asked or "beside" in asked:
        first, second = (asked.get(part, "") for part in ("network", "beside"))
        # No link makes the server download a network.
        state.networks = ("" if first.startswith(TIMM) else first, "" if second.startswith(TIMM) else second)
    runs = [run_id for run_id in asked.get("run", "").split(",") if run_id]
    if runs:
        state.moving, state.runs = True, runs[:MOST_RUNS_ON_MAP]


def show_address(state: MapState) -> None:
    """Put it into the address; somebody's own folder is nothing a link could bring back."""
    if state.moving:
        write_address(_PAGE, {"run": ",".join(state.runs)})
        return
    first, second = state.networks
    source = "" if state.source == UPLOAD else state.source
    write_address(_PAGE, {"source": source, "network": first, "beside": second})
