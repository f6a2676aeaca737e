"""Which networks look, and how the map is made."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import Choice, find_choice, not_installed

_NO_SECOND = ""
_METHODS = {"tsne": "Neighbours together (t-SNE)", "pca": "Main directions (PCA)"}
_METRICS = {"learned": "The network's own judgement", "euclidean": "Straight line between embeddings"}


def networks_in_use(state: MapState, choices: list[Choice]) -> list[Choice]:
    """The network, and the second one where one is chosen."""
    first = find_choice(state.networks[0], choices) or choices[0]
    second = find_choice(state.networks[1], choices)
    return [first] if second is None or second == first else [first, second]


def show_networks(state: MapState, choices: list[Choice]) -> None:
    """The choice of one network or two."""
    in_use = networks_in_use(state, choices)
    names = [c.name for c in [*(c for c in in_use if c.path is None), *choices]]
    st.session_state["map_network"] = in_use[0].name
    st.selectbox(
        "Network",
        names,
        key="map_network",
        help="The trained network whose view is shown.",
        on_change=guarded_callback(_take_networks),
        args=(state,),
    )
    if len(names) < 2:
        return
    st.session_state["map_second"] = in_use[1].name if len(in_use) > 1 else _NO_SECOND
    st.selectbox(
        "Beside it",
        [_NO_SECOND, *(name for name in names if name != in_use[0].name)],
        key="map_second",
        format_func=lambda name: name or "no second network",
        help="The same pictures as another network sees them.",
        on_change=guarded_callback(_take_networks),
        args=(state,),
    )


def tell_missing(state: MapState, choices: list[Choice]) -> None:
    """Say where a network that was asked for, as by a link, is not here."""
    for name in filter(None, state.networks):
        if find_choice(name, choices) is None:
            instead = networks_in_use(state, choices)[0].name
            st.warning(markdown(not_installed(name, instead)), icon=":material/warning:")


def show_settings(state: MapState) -> None:
    """How the map is made; each with a sentence of help."""
    _choice(state, "method", "Arrange by", _METHODS, _METHOD_HELP)
    _choice(state, "metric", "Distance", _METRICS, _METRIC_HELP)
    _choice(state, "dimensions", "Dimensions", {2: "2-D: flat", 3: "3-D: drag to turn"}, "")
    if state.method != "tsne":
        return
    _slider(state, "perplexity", "Perplexity", (5, 100, 5), _PERPLEXITY_HELP)
    _slider(state, "iterations", "Iterations", (250, 3000, 250), "More give t-SNE longer to settle.")
    st.session_state["map_seed"] = state.seed
    st.number_input(
        "Seed",
        0,
        9999,
        key="map_seed",
        help="Another seed, another start: what stays the same is real.",
        on_change=guarded_callback(_take),
        args=(state, "seed"),
    )


_METHOD_HELP = (
    "t-SNE keeps each picture beside those most like it; the size of groups and the gaps between them mean "
    "little. PCA is a shadow of the whole: gaps mean something, but groups may hide behind one another."
)
_METRIC_HELP = (
    "The network's own judgement weighs what it learned to be important; the straight line takes all numbers "
    "of an embedding alike. Where the two maps differ, the weighing matters."
)
_PERPLEXITY_HELP = (
    "About how many neighbours each picture holds on to: low shows small groups, high the large picture. "
    "At most a third of the other pictures is used."
)


def _choice(state: MapState, name: str, label: str, options: dict[Any, str], help_: str) -> None:
    key = f"map_{name}"
    st.session_state[key] = getattr(state, name)
    st.radio(
        label,
        list(options),
        key=key,
        format_func=lambda value: options[value],
        help=help_ or None,
        on_change=guarded_callback(_take),
        args=(state, name),
    )


def _slider(state: MapState, name: str, label: str, span: tuple[int, int, int], help_: str) -> None:
    key = f"map_{name}"
    low, high, step = span
    st.session_state[key] = getattr(state, name)
    st.slider(
        label,
        low,
        high,
        step=step,
        key=key,
        help=help_,
        on_change=guarded_callback(_take),
        args=(state, name),
    )


def _take(state: MapState, name: str) -> None:
    setattr(state, name, st.session_state[f"map_{name}"])


def _take_networks(state: MapState) -> None:
    first = st.session_state["map_network"]
    second = st.session_state.get("map_second", _NO_SECOND)
    state.networks = (first, _NO_SECOND if second == first else second)
