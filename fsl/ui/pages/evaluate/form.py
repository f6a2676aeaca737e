"""What to evaluate, and on what."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.errors import DataError, FslError
from fsl.config import COSINE, PIXELS, UNTRAINED, EpisodeConfig
from fsl.ui.pages.evaluate.address import SPANS, show_address, take_address
from fsl.ui.pages.evaluate.job import Job, Request
from fsl.ui.pages.evaluate.sources import CLASSIFY, UPLOAD, EvaluationSource, sources, upload_of
from fsl.ui.pages.evaluate.state import EvaluateState, kept, take
from fsl.ui.shared.budget import refuse_beyond_budget
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.folder_drop import folder_or_zip, show_dropped
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.resources import Choice
from fsl.ui.shared.state import session

_PRETRAINED = "photos"
_MOST_EPISODES = 5000
_MOST_PICTURES = 200
# In this order: classes that were kept for the final test, else those that settings were chosen on.
_USUAL_LISTS = ("novel", "val")


def show_form(state: EvaluateState, installed: list[Choice]) -> None:
    """All settings and the button that begins."""
    known = sources(session().workspace, state.upload)
    take_address(state, known, installed)
    source = _show_source(state, known)
    classes = _show_classes(state, source)
    names = _show_networks(state, installed)
    config, per_class = _show_settings(state)
    show_address(state)
    # No callback: its arguments would be the settings of the page as it was last drawn in full, and a number
    # typed just before the click would be missed.
    if st.button(
        "Evaluate",
        type="primary",
        icon=":material/play_arrow:",
        key="ev_start",
        width="stretch",
        disabled=not names,
    ):
        state.fault = ""
        state.job = Job(Request(source, classes, per_class, names, config))


def title_of(name: str) -> str:
    """A contender's name for people; plain text."""
    if name == PIXELS:
        return "Pixels alone"
    if name.startswith(UNTRAINED):
        return f"{name.removeprefix(UNTRAINED)}, untrained"
    if name.startswith(COSINE):
        return f"{name.removeprefix(COSINE)} backbone, cosine"
    return name


def _show_source(state: EvaluateState, known: dict[str, EvaluationSource]) -> EvaluationSource:
    chosen = str(state.values.get("source", ""))
    if chosen not in known:  # its content has changed, or it is gone: the same kind, else the first
        kind = chosen.partition("-")[0]
        chosen = next(
            (k for k in known if kind in (CLASSIFY, UPLOAD) and k.startswith(kind)), next(iter(known))
        )
        state.values["source"] = chosen
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Pictures",
            list(known),
            key=kept(state, "source", chosen),
            format_func=lambda key: known[key].title.partition(":")[0],
            on_change=guarded_callback(take),
            args=(state, "source"),
        )
        with st.popover("Upload", icon=":material/folder_open:", help="A folder or zip of your own"):
            _show_drops(state)
    source = known[str(state.values["source"])]
    if about := source.title.partition(":")[2].strip():
        st.caption(markdown(about))
    return source


def _show_drops(state: EvaluateState) -> None:
    drop = folder_or_zip("ev", state.drops)
    if state.upload is not None:
        show_dropped("ev", state.upload.title, partial(_forget_upload, state))
    if drop is None:
        return
    state.drops += 1
    try:
        listing = drop.listing()
        if len(listing.class_names) < 2:
            raise DataError(
                f"{drop.title}: a test needs at least 2 folders with pictures, one for each class; here "
                f"{'is 1' if listing.class_names else 'are none'}."
            )
        upload = upload_of(drop.title, listing, drop.files)
        refuse_beyond_budget(state, [upload.holding])
        state.upload = upload
        state.values["source"] = f"{UPLOAD}-{state.upload.digest}"
        state.fault = ""
    except FslError as error:
        state.fault = str(error)
    st.rerun()


def _forget_upload(state: EvaluateState) -> None:
    state.upload = None


def _show_classes(state: EvaluateState, source: EvaluationSource) -> str:
    lists = [name for name, _ in source.lists]
    if not lists:
        return ""
    usual = next((name for name in _USUAL_LISTS if name in lists), "")
    name = f"classes_{source.key}"
    titles = {
        "": "all classes",
        "novel": "novel: kept for the final test",
        "val": "val: for choosing settings",
    }
    titles["train"] = "train: what networks learn from"
    st.selectbox(
        "Which classes",
        ["", *lists],
        key=kept(state, name, usual),
        format_func=lambda one: titles.get(one, one),
        help="Which part of the data set. On classes a network was trained on its figures are too good.",
        on_change=guarded_callback(take),
        args=(state, name),
    )
    return str(state.values[name])


def _show_networks(state: EvaluateState, installed: list[Choice]) -> tuple[str, ...]:
    titles = {c.name: c.label for c in installed}
    still_here = [name for name in state.values.get("networks", []) if name in titles]
    is_first = not still_here and "networks" not in state.values
    state.values["networks"] = [installed[0].name] if is_first else still_here
    st.multiselect(
        "Networks",
        list(titles),
        key=kept(state, "networks", []),
        placeholder="Choose one or several",
        on_change=guarded_callback(take),
        args=(state, "networks"),
    )
    networks = list(state.values["networks"])
    st.caption(markdown(" · ".join(titles[name] for name in networks)))
    offered = [PIXELS, *(f"{UNTRAINED}{name}" for name in networks[:1])]
    if _PRETRAINED in titles:
        offered.append(f"{COSINE}{_PRETRAINED}")
    state.values["baselines"] = [name for name in state.values.get("baselines", [PIXELS]) if name in offered]
    st.multiselect(
        "To beat",
        offered,
        key=kept(state, "baselines", []),
        format_func=title_of,
        placeholder="Nothing",
        help=(
            "On the very same tests. Pixels alone: the most similar picture, without any network. "
            "Untrained: the same network with random weights, before it learned anything. Cosine: the "
            "networks inside “photos”, which learned from a million everyday photos, their combined features "
            "compared by angle alone, without anything that was fitted on top of them"
            + ("." if _PRETRAINED in titles else " (needs the network “photos”, which is not installed).")
        ),
        on_change=guarded_callback(take),
        args=(state, "baselines"),
    )
    return (*networks, *state.values["baselines"])


def _show_settings(state: EvaluateState) -> tuple[EpisodeConfig, int]:
    left, right = st.columns(2)
    with left:
        way = _number(
            state, "way", "Classes (ways)", 5, SPANS["way"], "How many classes there are to choose from."
        )
    with right:
        shot = _number(
            state, "shot", "Examples (shots)", 1, SPANS["shot"], "Pictures of each class that are shown."
        )
    with st.expander("More settings", icon=":material/tune:"):
        query = _number(
            state, "query", "Questions per class", 5, (1, 50), "Pictures of each class to classify."
        )
        episodes = _number(
            state, "episodes", "Tests", 500, (10, _MOST_EPISODES), "More make the interval narrower."
        )
        per_class = _number(
            state,
            "per_class",
            "Pictures per class",
            10,
            (2, _MOST_PICTURES),
            "At most so many of each class are used. The network looks at all of them first, so this decides "
            "how long the first evaluation takes.",
        )
        seed = _number(state, "seed", "Seed", 0, SPANS["seed"], "Another seed draws other tests.")
    return EpisodeConfig(way, shot, query, episodes, seed), per_class


def _number(
    state: EvaluateState, name: str, title: str, usual: int, span: tuple[int, int], help_: str
) -> int:
    st.number_input(
        title,
        min_value=span[0],
        max_value=span[1],
        step=1,
        key=kept(state, name, usual),
        help=help_,
        on_change=guarded_callback(take),
        args=(state, name),
    )
    return int(state.values[name])


def show_faults(state: EvaluateState) -> None:
    """What was wrong with the last drop."""
    if state.fault:
        st.error(markdown(state.fault), icon=":material/error:")
