"""The Compare page: its layout, and the order in which it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fsl.config import TIMM
from fsl.ui.pages.compare.answers import answers_of, chosen_probe, show_tiles
from fsl.ui.pages.compare.compared import Compared, compared_probe, compared_reference
from fsl.ui.pages.compare.detail import show_chosen
from fsl.ui.pages.compare.faces import look_for_faces, show_faceless, without_known_faces
from fsl.ui.pages.compare.sides import load_example, show_side
from fsl.ui.pages.compare.threshold import show_rates, show_threshold, threshold_in_use
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.camera import camera_dialog
from fsl.ui.shared.compare_state import MIDDLE, STRICTNESS, CompareState, Side, compare_state
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback
from fsl.ui.shared.menu import menu
from fsl.ui.shared.page_links import COMPARE_ON_MAP
from fsl.ui.shared.pair_explanation import show_why
from fsl.ui.shared.problems import show_fault, show_problems
from fsl.ui.shared.resources import Choice, choices, find_choice, load_checkpoint, not_installed, offered
from fsl.ui.shared.settings import address_of
from fsl.ui.shared.undo import show_undo
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from fsl.fewshot.compare import ProbeAnswer
    from fsl.twin.checkpoint import Checkpoint
    from fsl.ui.shared.pictures import StoredPicture

FACES = "faces"
_PAGE = "compare"
_PHOTO_OF: dict[Side, str] = {"references": "the one you know", "probes": "a picture to compare"}
_PRIVATE = (
    "Your pictures stay in the memory of this session: nothing is kept on disk or leaves the computer that "
    "runs this app."
)


def show_compare_page() -> None:
    """Draw the page; the parts that need the network come last."""
    state = compare_state()
    _take_address(state)
    _show_address(state)
    st.title("The same, or different?", anchor=False)
    st.markdown(
        "Show one person or thing, then other pictures: the network, which has seen neither before, says how "
        "similar they are. You choose how similar counts as **the same**; we measured how often that is "
        "wrong."
    )
    installed: list[Choice] = []
    with guarded():
        installed = choices()
        _show_bar(state, installed)
    # The style sheet puts the third below the first; on a phone they follow each other.
    with st.container(key="compare_parts"):
        known_place, asked_place, limit_place = st.columns(3, gap="large")
    camera: Side | None = None
    new = without_known_faces(state)
    with known_place, guarded():
        finds_faces = bool(installed) and _chosen(state, installed).finds_faces
        camera = "references" if show_side(state, "references", finds_faces) else None
    with asked_place, guarded():
        camera = "probes" if show_side(state, "probes") else camera
        if installed:
            _show_answers(state, _chosen(state, installed), limit_place, new)
    if camera is not None:
        side = camera
        with guarded():
            camera_dialog(
                f"compare_{side}", _PHOTO_OF[side], lambda name, data: state.take(side, [(name, data)])
            )
    warm_up_after_paint()


def _take_address(state: CompareState) -> None:
    """Adopt ``?network=faces&rate=0.01`` (or ``rate=equal``); ignore what does not exist."""
    asked = read_address(_PAGE)
    network = asked.get("network", state.network)
    if not network.startswith(TIMM):  # no link makes the server download a network
        state.network = network
    STRICTNESS.take(asked)


def _show_address(state: CompareState) -> None:
    """Write the settings into the address, except the default rate."""
    rate = {} if STRICTNESS.value == STRICTNESS.default else address_of(STRICTNESS)
    write_address(_PAGE, {"network": state.network, **rate})


def _show_bar(state: CompareState, installed: list[Choice]) -> None:
    chosen = _chosen(state, installed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_bar"):
        st.session_state["compare_network"] = chosen.name
        st.selectbox(
            "Network",
            [choice.name for choice in offered(chosen, installed)],
            key="compare_network",
            help="Each network was trained on different pictures and has its own error rates.",
            on_change=guarded_callback(_take_network),
            args=(state,),
            width=260,
        )
        guarded_button(
            "Try an example",
            "compare_example",
            partial(load_example, state, [choice.name for choice in installed]),
            icon=":material/nutrition:",
            help="A drawn fruit, more pictures of it, and some of other fruit.",
        )
        show_undo("compare", state.history, state.bring_back, state.remove_again)
        if not chosen.finds_faces:
            _show_crop()
    if chosen.title:
        st.caption(markdown(chosen.label))
    if state.network and chosen.name != state.network:
        st.warning(markdown(not_installed(state.network, chosen.name)), icon=":material/warning:")
    if chosen.notice:
        # One element, as for other networks: one more would move all below it when the network is changed.
        st.warning(f"{markdown(chosen.notice)} {_PRIVATE}", icon=":material/front_hand:")
    else:
        st.caption(_PRIVATE)
    show_problems(state.problems)
    show_fault(state.fault)
    if state.note:
        st.caption(markdown(state.note))


def _show_crop() -> None:
    share = MIDDLE.value
    label = "Crop" if share == 100 else f"Crop: the middle {share}%"
    menu(label, _show_crop_slider, key="compare_crop", icon=":material/crop:")


def _show_crop_slider() -> None:
    st.slider(**MIDDLE.widget(), format="%d%%")


def _show_answers(
    state: CompareState, choice: Choice, limit_place: DeltaGenerator, new: Mapping[str, StoredPicture]
) -> None:
    is_complete = bool(state.references and state.probes)
    if not is_complete:
        missing = "a picture of the one you know" if not state.references else "a picture to compare with it"
        st.info(f"Add {missing}, or try the example.", icon=":material/arrow_upward:")
    with waiting("Loading the network", "compare", 520):
        checkpoint = load_checkpoint(choice)
    answer = None
    if choice.finds_faces and not look_for_faces(state, checkpoint, new):
        show_tiles(state, [Compared(probe, ()) for probe in state.probes])
    else:
        answer = _show_compared(state, checkpoint, choice.name)
    with limit_place:
        st.header("3. How strict?", anchor=False)
        show_threshold(checkpoint)
    show_rates(checkpoint, answer.similarity if answer else None)


def _show_compared(state: CompareState, checkpoint: Checkpoint, network: str) -> ProbeAnswer | None:
    """Show the answers and the chosen one in detail, and return that; None if there is none."""
    model = checkpoint.info.model
    references = [compared_reference(state, picture, model) for picture in state.references]
    probes = [compared_probe(picture, model) for picture in state.probes]
    compared = [*references, *probes]
    show_faceless(compared)
    if 2 * sum(one.is_faceless for one in compared) > len(compared):
        _offer_another(state)
    usable = [reference for reference in references if reference.parts]
    if not usable or not probes:
        if probes:
            show_tiles(state, probes)
        return None
    with st.spinner("Comparing"):
        answers = answers_of(state, checkpoint, usable, probes, threshold_in_use(checkpoint))
    show_tiles(state, probes, answers)
    position = chosen_probe(state)
    answer, asked = answers[position], probes[position]
    if answer is None:
        st.info(markdown(f"{asked.picture.name} has no answer: no face was found in it."))
        return None
    known = usable[max(range(len(answer.pairs)), key=answer.pairs.__getitem__)]
    with st.container(border=True, key="compare_detail"):
        show_chosen(state, checkpoint, answer, known, asked)
    st.page_link(
        "pages/embeddings.py",
        label="Show on the map",
        icon=":material/scatter_plot:",
        query_params={"source": COMPARE_ON_MAP, "network": network},
        help="These pictures on the Embeddings page, where similar pictures lie close together.",
    )
    show_why(checkpoint, known.parts[0], asked.parts[answer.face], key="compare_why")
    return answer


def _offer_another(state: CompareState) -> None:
    """Offer the first network for whole pictures to a person who shows things to the one for faces."""
    other = next((choice for choice in choices() if not choice.finds_faces), None)
    if other is not None:
        guarded_button(
            f"These are not people: compare with {markdown(other.name)}",
            "compare_things",
            partial(_use, state, other.name),
            icon=":material/category:",
        )


def _use(state: CompareState, network: str) -> None:
    state.network = network


def _chosen(state: CompareState, installed: list[Choice]) -> Choice:
    """Return the chosen network, or else the one for faces, or else the first one."""
    return find_choice(state.network, installed) or find_choice(FACES, installed) or installed[0]


def _take_network(state: CompareState) -> None:
    state.network = str(st.session_state["compare_network"])
