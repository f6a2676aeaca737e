"""The Compare page as a whole: what stands where, and in which order it is drawn."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fsl.ui.compare.answers import answers_of, chosen_probe, show_chosen, show_tiles
from fsl.ui.compare.middle import MiddleOf
from fsl.ui.compare.sides import camera_dialog, load_example, show_side
from fsl.ui.compare.state import CompareState, Side, compare_state
from fsl.ui.compare.threshold import show_rates, show_threshold, threshold_in_use
from fsl.ui.compare.why import show_why
from fsl.ui.escape import markdown
from fsl.ui.frame import warm_up_after_paint
from fsl.ui.guard import guarded, guarded_callback
from fsl.ui.resources import Choice, choices, load_checkpoint

FACES = "faces"
_RESPONSIBLE = (
    "Faces: a demonstration, trained on few people. Do not use it to identify anyone in earnest, and ask "
    "people before you compare their pictures. What you add is never written to disk, and stays on the "
    "computer that this app runs on."
)


def show_compare_page() -> None:
    """Draw the page; what needs the network comes last."""
    state = compare_state()
    st.title("The same, or different?", anchor=False)
    st.markdown(
        "Show one person or thing, then other pictures: the network, which has never seen either, says how "
        "alike they are. From how alike on they count as **the same** is for you to say; how often that will "
        "be wrong was measured."
    )
    installed: list[Choice] = []
    with guarded():
        installed = choices()
        _show_bar(state, installed)
    left, right = st.columns([1, 1.5], gap="large")
    wish: Side | None = None
    with left, guarded():
        wish = "references" if show_side(state, "references") else None
        limit_place = st.container()
    with right, guarded():
        wish = "probes" if show_side(state, "probes") else wish
        if installed:
            _show_answers(state, _chosen(state, installed), limit_place)
    if wish is not None:
        with guarded():
            camera_dialog(wish)
    warm_up_after_paint()


def _show_bar(state: CompareState, installed: list[Choice]) -> None:
    chosen = _chosen(state, installed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_bar"):
        st.session_state["compare_network"] = chosen.name
        titles = {c.name: f"{c.name}: {c.title}" if c.title else c.name for c in installed}
        st.selectbox(
            "Network",
            [c.name for c in installed],
            key="compare_network",
            format_func=lambda name: titles[name],
            help="Each was trained on other pictures, and has error rates of its own.",
            on_change=guarded_callback(_take_network),
            args=(state,),
            width=420,
        )
        st.button(
            "Try an example",
            key="compare_example",
            icon=":material/nutrition:",
            help="A fruit drawn by this program, more pictures of it, and some of others.",
            on_click=guarded_callback(load_example),
            args=(state,),
        )
        with st.popover("Crop", icon=":material/crop:"):
            st.session_state["compare_middle"] = round(100 * state.middle)
            st.slider(
                "The middle of each picture alone",
                30,
                100,
                step=5,
                format="%d%%",
                key="compare_middle",
                help="For photos with wide margins: what is compared, above all a face, should fill them.",
                on_change=guarded_callback(_take_middle),
                args=(state,),
            )
    if FACES in chosen.name.lower() or "face" in chosen.title.lower():
        st.warning(_RESPONSIBLE, icon=":material/front_hand:")
    else:
        st.caption(
            "Your pictures stay in this session's memory: nothing is written to disk or leaves the computer "
            "this app runs on."
        )
    if state.problems:
        lines = [f"- {markdown(p.name)}: {markdown(p.reason)}" for p in state.problems[:8]]
        st.warning("\n".join(["Left out; everything else was kept.", "", *lines]), icon=":material/warning:")
    if state.note:
        st.caption(markdown(state.note))


def _show_answers(state: CompareState, choice: Choice, limit_place: DeltaGenerator) -> None:
    if not state.references or not state.probes:
        if state.probes:
            show_tiles(state, [])
        missing = "a picture of the one you know" if not state.references else "a picture to compare with it"
        st.info(f"Add {missing}, or try the example.", icon=":material/arrow_upward:")
    with st.spinner("Loading the network"):
        checkpoint = load_checkpoint(choice)
    threshold = threshold_in_use(state, checkpoint)
    answer = None
    if state.references and state.probes:
        with st.spinner("Comparing"):
            answers = answers_of(state, checkpoint, threshold)
        position = chosen_probe(state)
        answer = answers[position]
        show_tiles(state, answers)
        with st.container(border=True, key="compare_detail"):
            show_chosen(state, checkpoint, answer)
        best = max(range(len(answer.pairs)), key=answer.pairs.__getitem__)
        known, asked = state.references[best], state.probes[position]
        show_why(checkpoint, MiddleOf(known, state.middle), MiddleOf(asked, state.middle), key="compare_why")
    with limit_place:
        st.subheader("3. How strict?", anchor=False)
        show_threshold(state, checkpoint)
    show_rates(state, checkpoint, answer.similarity if answer else None)


def _chosen(state: CompareState, installed: list[Choice]) -> Choice:
    """The network in use: as chosen, else the one for faces, else the first."""
    names = {choice.name: choice for choice in installed}
    return names.get(state.network) or names.get(FACES) or installed[0]


def _take_middle(state: CompareState) -> None:
    state.middle = int(st.session_state["compare_middle"]) / 100


def _take_network(state: CompareState) -> None:
    state.network = str(st.session_state["compare_network"])
