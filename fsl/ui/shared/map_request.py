"""A picture that another page asks the Embeddings page to show."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from fsl.ui.shared.collection import Collection

_KEY = "few_shot_lab_map_request"


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
    st.session_state[_KEY] = request
    st.switch_page("pages/embeddings.py")


def take_map_request() -> MapRequest | None:
    """Return the request and forget it, or None if there is none."""
    request: MapRequest | None = st.session_state.pop(_KEY, None)
    return request
