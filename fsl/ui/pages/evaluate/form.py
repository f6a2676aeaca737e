"""The form of the Evaluate page: pictures, networks, baselines and episodes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from fsl.base.errors import DataError, FslError
from fsl.config import COSINE, PIXELS, UNTRAINED, EpisodeConfig
from fsl.data.catalogue import Source
from fsl.ui.pages.evaluate.job import Request
from fsl.ui.pages.evaluate.run import start_job
from fsl.ui.pages.evaluate.settings import (
    BASELINES,
    EPISODES,
    NETWORKS,
    PER_CLASS,
    QUERY,
    SEED,
    SHOT,
    SOURCE,
    WAY,
    show_address,
    take_address,
)
from fsl.ui.pages.evaluate.sources import sources, usual_source
from fsl.ui.pages.evaluate.state import EvaluateState
from fsl.ui.pages.evaluate.view import title_of
from fsl.ui.shared.budget import refuse_beyond_budget
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.folder_drop import Drop, folder_or_zip, show_dropped
from fsl.ui.shared.kept_button import kept_button
from fsl.ui.shared.menu import menu
from fsl.ui.shared.resources import Choice
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.sources import CLASSIFY, UPLOAD, kind_of, label_of, upload_of
from fsl.ui.shared.state import session

_PRETRAINED = "photos"
# In this order: classes that were kept for the final test, else those that settings were chosen on.
_USUAL_LISTS = ("novel", "val")
_LIST_TITLES = {
    "": "all classes",
    "novel": "novel: reserved for the final test",
    "val": "val: for choosing settings",
    "train": "train: for training networks",
}


def show_form(state: EvaluateState, installed: list[Choice]) -> None:
    """Show all settings and the button that starts an evaluation."""
    known = sources(session().workspace, state.upload)
    take_address(known, installed)
    source = _show_source(state, known)
    classes = _show_classes(source)
    names = _show_networks(installed)
    config, per_class = _show_settings()
    show_address()
    # Not a callback: its arguments would come from the last full run of the page, so a number typed just
    # before the click would be missed.
    look = {"type": "primary", "icon": ":material/play_arrow:", "width": "stretch", "disabled": not names}
    with kept_button("Evaluate", "ev_start", **look) as is_pressed:
        if is_pressed and names:
            state.fault = ""
            if state.job is not None:
                state.job.cancel()
            state.job = start_job(Request(source, classes, per_class, names, config), state.memo, installed)


def _show_source(state: EvaluateState, known: dict[str, Source]) -> Source:
    chosen = SOURCE.value
    if chosen not in known:  # its content has changed, or it is gone: the same kind, else the usual one
        kind = kind_of(chosen)
        same = (key for key in known if kind in (CLASSIFY, UPLOAD) and kind_of(key) == kind)
        chosen = next(same, usual_source(known))
        SOURCE.put(chosen)
    titles = {key: label_of(source) for key, source in known.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(**replace(SOURCE, options=titles).widget())
        key = f"ev_upload_{state.drops}"  # a menu with a new key is closed: the drop is done
        about = "Upload a folder or zip of your own"
        menu("Upload", partial(_show_drops, state), key=key, icon=":material/folder_open:", help=about)
    source = known[chosen]
    if source.about:
        st.caption(markdown(source.about))
    return source


def _show_drops(state: EvaluateState) -> None:
    folder_or_zip("ev", state.drops, partial(_take, state))
    if state.upload is not None:
        show_dropped("ev", state.upload.title, partial(_forget_upload, state))


def _take(state: EvaluateState, drop: Drop) -> None:
    state.drops += 1
    try:
        listing = drop.listing()
        if len(listing.class_names) < 2:
            raise DataError(
                f"{drop.title}: a test needs at least 2 folders with pictures, one for each class, and this "
                f"has {'only 1' if listing.class_names else 'none'}."
            )
        upload = upload_of(drop.title, listing, drop.files)
        refuse_beyond_budget(state, [upload.holding])
        state.upload = upload
        SOURCE.put(upload.source.key)
        state.fault = ""
    except FslError as error:
        state.fault = str(error)
    st.rerun()


def _forget_upload(state: EvaluateState) -> None:
    state.upload = None


def _show_classes(source: Source) -> str:
    lists = source.class_lists()
    if not lists:
        return ""
    usual = next((name for name in _USUAL_LISTS if name in lists), "")
    classes = Setting(
        f"ev_classes_{source.key}",
        "Which classes",
        usual,
        "Part of the data set. On classes that a network was trained on, its figures are too good.",
        options={name: _LIST_TITLES.get(name, name) for name in ("", *lists)},
    )
    st.selectbox(**classes.widget())
    return classes.value


def _show_networks(installed: list[Choice]) -> tuple[str, ...]:
    titles = {choice.name: choice.label for choice in installed}
    chosen = NETWORKS.value
    networks = [installed[0].name] if chosen is None else [name for name in chosen if name in titles]
    NETWORKS.put(networks)
    names = {name: name for name in titles}
    st.multiselect(**replace(NETWORKS, options=names).widget(), placeholder="Choose one or several")
    st.caption(markdown(" · ".join(titles[name] for name in networks)))
    return (*networks, *_show_baselines(networks, _PRETRAINED in titles))


def _show_baselines(networks: list[str], has_pretrained: bool) -> list[str]:
    offered = [PIXELS, *(f"{UNTRAINED}{name}" for name in networks[:1])]
    if has_pretrained:
        offered.append(f"{COSINE}{_PRETRAINED}")
    chosen = [name for name in BASELINES.value if name in offered]
    BASELINES.put(chosen)
    missing = "." if has_pretrained else " (needs the network “photos”, which is not installed)."
    baselines = replace(
        BASELINES, options={name: title_of(name) for name in offered}, help=BASELINES.help + missing
    )
    st.multiselect(**baselines.widget(), placeholder="None")
    return chosen


def _show_settings() -> tuple[EpisodeConfig, int]:
    left, right = st.columns(2)
    with left:
        way = int(st.number_input(**WAY.widget()))
    with right:
        shot = int(st.number_input(**SHOT.widget()))
    with st.expander("More settings", icon=":material/tune:", key="ev_more"):
        query, episodes, per_class, seed = (
            int(st.number_input(**setting.widget())) for setting in (QUERY, EPISODES, PER_CLASS, SEED)
        )
    return EpisodeConfig(way, shot, query, episodes, seed), per_class
