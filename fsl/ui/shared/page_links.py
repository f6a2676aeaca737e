"""What one page asks another to show: steps of Learn, pictures and runs on the map."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fsl.ui.shared.collection import Collection

LEARN_STEPS = {
    "idea": "The idea",
    "twin": "Twin network",
    "pairs": "Pairs",
    "loss": "Loss",
    "episode": "Ways and shots",
    "rate": "Learning rate",
    "faces": "Same or different",
}
"""Title of each step of the Learn page by its key in the address, in order."""

CLASSIFY_ON_MAP = "classify"
"""Source key of the Classify page's pictures on the Embeddings page."""
COMPARE_ON_MAP = "compare"
"""Source key of the Compare page's pictures on the Embeddings page."""
MOST_RUNS_ON_MAP = 3
"""Training runs that the Embeddings page shows side by side."""
_MAP_REQUEST = "few_shot_lab_map_request"


@dataclass(frozen=True, eq=False)
class MapRequest:
    """What the Embeddings page shows when it is opened next.

    Attributes:
        source: key of the source of the pictures.
        network: name of the network.
        collection: the pictures.
        row: position of the picture to select.
    """

    source: str
    network: str
    collection: Collection
    row: int


def request_map(request: MapRequest) -> None:
    """Open the Embeddings page with a request."""
    st.session_state[_MAP_REQUEST] = request
    st.switch_page("pages/embeddings.py")


def take_map_request() -> MapRequest | None:
    """Return the request and forget it, or None if there is none."""
    request: MapRequest | None = st.session_state.pop(_MAP_REQUEST, None)
    return request
