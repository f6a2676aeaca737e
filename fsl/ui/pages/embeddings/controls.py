"""Widgets for the networks of the map, and for how it is made."""

from __future__ import annotations

import streamlit as st

from fsl.ui.pages.embeddings.settings import (
    DIMENSIONS,
    ITERATIONS,
    METHOD,
    METRIC,
    PERPLEXITY,
    SEED,
)
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import Choice, find_choice, not_installed

_NO_SECOND = ""


def networks_in_use(state: MapState, choices: list[Choice]) -> list[Choice]:
    """Return the network, and the second network if there is one."""
    first = find_choice(state.networks[0], choices) or choices[0]
    second = find_choice(state.networks[1], choices)
    return [first] if second is None or second == first else [first, second]


def show_networks(state: MapState, choices: list[Choice]) -> None:
    """Show the choice of one network or two."""
    in_use = networks_in_use(state, choices)
    names = [c.name for c in [*(c for c in in_use if c.path is None), *choices]]
    st.session_state["map_network"] = in_use[0].name
    st.selectbox(
        "Network",
        names,
        key="map_network",
        help="The trained network whose map is shown.",
        on_change=guarded_callback(_take_networks),
        args=(state,),
    )
    if len(names) < 2:
        return
    st.session_state["map_second"] = in_use[1].name if len(in_use) > 1 else _NO_SECOND
    st.selectbox(
        "Second network",
        [_NO_SECOND, *(name for name in names if name != in_use[0].name)],
        key="map_second",
        format_func=lambda name: name or "none",
        help="The same pictures as another network sees them.",
        on_change=guarded_callback(_take_networks),
        args=(state,),
    )


def tell_missing(state: MapState, choices: list[Choice]) -> None:
    """Warn about requested networks that are not installed."""
    first, second = state.networks
    told = []
    if first and find_choice(first, choices) is None:
        told.append(not_installed(first, networks_in_use(state, choices)[0].name))
    if second and find_choice(second, choices) is None:
        told.append(f"The network {second} is not installed here, so only one map is shown.")
    for text in told:
        st.warning(markdown(text), icon=":material/warning:")


def show_settings() -> None:
    """Show how the map is made."""
    for choice in (METHOD, METRIC, DIMENSIONS):
        st.radio(**choice.widget())
    if METHOD.value == "tsne":
        st.slider(**PERPLEXITY.widget())
        st.slider(**ITERATIONS.widget())
        st.number_input(**SEED.widget())


def _take_networks(state: MapState) -> None:
    first = st.session_state["map_network"]
    second = st.session_state.get("map_second", _NO_SECOND)
    state.networks = (first, _NO_SECOND if second == first else second)
