"""What is evaluated, in the address: ``?source=digits&network=fruits,photos&way=5&shot=1&seed=0``."""

from __future__ import annotations

from fsl.ui.pages.evaluate.sources import CLASSIFY, UPLOAD, EvaluationSource
from fsl.ui.pages.evaluate.state import EvaluateState
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.page_links import CLASSIFY_ON_MAP
from fsl.ui.shared.resources import Choice

_PAGE = "evaluate"
SPANS = {"way": (2, 100), "shot": (1, 50), "seed": (0, 9999)}
"""From and to of the numbers in it."""
_BUILTIN_ON_THE_MAP = {"rendered": "drawn", "digits": "digits"}


def take_address(state: EvaluateState, known: dict[str, EvaluationSource], installed: list[Choice]) -> None:
    """Set what the address asks for; what is not there or makes no sense is left alone.

    Args:
        state: the page's.
        known: the sources there are now.
        installed: the networks there are.
    """
    asked = read_address(_PAGE)
    source = next((key for key in known if _kind(key) == asked.get("source")), None)
    if source is not None:
        state.values["source"] = source
    wished = asked.get("network", "").split(",")
    networks = [choice.name for choice in installed if choice.name in wished]
    if networks:
        state.values["networks"] = networks
    for name, (low, high) in SPANS.items():
        number = asked.get(name, "")
        if number.isdecimal() and low <= int(number) <= high:
            state.values[name] = int(number)


def show_address(state: EvaluateState) -> None:
    """Put it into the address; somebody's own folder is nothing a link could bring back."""
    kind = _kind(str(state.values.get("source", "")))
    numbers = {name: str(state.values.get(name, "")) for name in SPANS}
    networks = ",".join(state.values.get("networks", []))
    write_address(_PAGE, {"source": "" if kind == UPLOAD else kind, "network": networks, **numbers})


def map_address(source: EvaluationSource, network: str) -> dict[str, str] | None:
    """The address of the Embeddings page with the same pictures and network; none where it has them not."""
    kind = _kind(source.key)
    if kind == UPLOAD or source.is_fetched:
        return None
    if kind == CLASSIFY:
        return {"source": CLASSIFY_ON_MAP, "network": network}
    return {"source": _BUILTIN_ON_THE_MAP.get(kind, f"set_{kind}"), "network": network}


def _kind(key: str) -> str:
    """Of a source: its key, without what says which content it has just now."""
    return next((kind for kind in (CLASSIFY, UPLOAD) if key.startswith(f"{kind}-")), key)
