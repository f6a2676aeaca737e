"""The Embeddings page: what it shows, and in which order."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fsl.config import TIMM
from fsl.ui.components.scatter import picture_sheet
from fsl.ui.pages.embeddings.compute import Mapped, MapSettings, make_maps, map_inputs
from fsl.ui.pages.embeddings.controls import networks_in_use, show_networks, show_settings, tell_missing
from fsl.ui.pages.embeddings.downloads import show_downloads
from fsl.ui.pages.embeddings.numbers import show_numbers
from fsl.ui.pages.embeddings.runs import show_mode, show_runs_moving
from fsl.ui.pages.embeddings.settings import (
    CHECKING,
    DIMENSIONS,
    ITERATIONS,
    METHOD,
    METRIC,
    MOVING,
    PERPLEXITY,
    RUNS,
    SEED,
)
from fsl.ui.pages.embeddings.sources import (
    read_source,
    show_origin,
    show_source,
    show_welcome,
    source_keys,
)
from fsl.ui.pages.embeddings.state import UPLOAD, MapState, choose, map_state
from fsl.ui.pages.embeddings.uploads import take_upload
from fsl.ui.pages.embeddings.view import show_view
from fsl.ui.shared import core
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import sheet_of
from fsl.ui.shared.data_check import check_view, show_data_check
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.menu import menu
from fsl.ui.shared.page_links import MOST_RUNS_ON_MAP, take_map_request
from fsl.ui.shared.problems import show_fault
from fsl.ui.shared.resources import Choice, choices, load_checkpoint
from fsl.ui.shared.waiting import waiting

_PAGE = "embeddings"
# Links that people have kept may use these keys, and "set_NAME" for named data sets.
_FORMER_KEYS = {"drawn": "rendered"}


def show_embeddings_page() -> None:
    """Draw the page; what needs the network comes last."""
    state = map_state()
    _take_address(state)
    _take_map_request(state)
    st.title("See what the network sees", anchor=False)
    st.markdown(
        "The network turns every picture into a list of numbers, its *embedding*. Similar pictures get "
        "similar numbers, so **pictures that the network finds similar lie close together on the map**. "
        "Classes in groups of their own are easy for it; classes that mix will be confused."
    )
    show_mode()
    with guarded():
        if MOVING.value:
            show_runs_moving(state)
        else:
            _show_pictures(state)
    _show_address(state)
    warm_up_after_paint()


def _take_address(state: MapState) -> None:
    """Adopt ``?source=digits&network=fruits&beside=glyphs`` or ``?run=ID,ID``; ignore what does not exist."""
    asked = read_address(_PAGE)
    key = asked.get("source", "").removeprefix("set_")
    key = _FORMER_KEYS.get(key, key)
    if key in source_keys(state):  # no link makes the server download pictures
        choose(state, key)
    if "check" in asked:
        CHECKING.put(asked["check"] == "1")
    if "network" in asked or "beside" in asked:
        MOVING.put(False)
        first, second = (asked.get(part, "") for part in ("network", "beside"))
        # No link makes the server download a network.
        state.networks = ("" if first.startswith(TIMM) else first, "" if second.startswith(TIMM) else second)
    runs = [run_id for run_id in asked.get("run", "").split(",") if run_id]
    if runs:
        MOVING.put(True)
        RUNS.put(runs[:MOST_RUNS_ON_MAP])


def _show_address(state: MapState) -> None:
    """Write the settings into the address, except an upload, which no link could bring back."""
    if MOVING.value:
        write_address(_PAGE, {"run": ",".join(RUNS.value)})
        return
    first, second = state.networks
    source = "" if state.source == UPLOAD else state.source
    check = "1" if CHECKING.value else ""
    write_address(_PAGE, {"source": source, "network": first, "beside": second, "check": check})


def _take_map_request(state: MapState) -> None:
    """Show the picture that another page asked for, if one did."""
    request = take_map_request()
    if request is not None:
        choose(state, request.source)
        state.networks = (request.network, "")
        state.look_at(request.collection)
        state.selected = request.row


def _show_pictures(state: MapState) -> None:
    bar = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="map_bar")
    with bar:
        chosen = show_source(state)
    take_upload(state)
    show_fault(state.fault)
    if chosen is None:
        show_welcome(state)
        return
    collection = chosen if isinstance(chosen, Collection) else read_source(state, chosen)
    if collection is not None:
        state.look_at(collection)
        _show_map(state, collection, bar)


def _show_map(state: MapState, collection: Collection, bar: DeltaGenerator) -> None:
    show_origin(collection)
    with waiting("Looking for networks", "map_networks", 560):
        installed = choices()
    with bar:
        show_networks(state, installed)
        menu("Map settings", show_settings, key="map_settings_menu", icon=":material/tune:")
        download_place = st.container(width="content")
        st.toggle(**CHECKING.widget())
    st.caption(markdown(" · ".join(choice.label for choice in networks_in_use(state, installed))))
    tell_missing(state, installed)
    views = _maps(state, collection, installed)
    if views is None:
        return
    with download_place:
        downloads = partial(_show_downloads, collection, views)
        menu("Download", downloads, key="map_download_menu", icon=":material/download:")
    if CHECKING.value:
        with guarded():
            show_data_check(check_view("map"), collection, views[0].checkpoint)
    show_numbers(views)
    sheet = sheet_of(state.memo, collection)
    picture_sheet(sheet, key="map_sheet")
    show_view(state, collection, views, sheet)


def _show_downloads(collection: Collection, views: list[Mapped]) -> None:
    for view in views:
        if len(views) > 1:
            st.markdown(f"**{markdown(view.checkpoint.info.name)}**")
        show_downloads(collection, view)


def _maps(state: MapState, collection: Collection, installed: list[Choice]) -> list[Mapped] | None:
    """Return the map by each network, or show how far they are."""
    with st.spinner("Loading the network"):
        checkpoints = [load_checkpoint(choice) for choice in networks_in_use(state, installed)]
    config = core.MapConfig(METHOD.value, DIMENSIONS.value, PERPLEXITY.value, ITERATIONS.value, SEED.value)
    how = MapSettings(METRIC.value, config)
    return state.maps.result(
        map_inputs(collection, checkpoints, how), partial(make_maps, state.memo, collection, checkpoints, how)
    )
