"""The answers: load the network, embed what is new, then show the answers and the self-check."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fsl.base.errors import FslError
from fsl.base.text import listed
from fsl.ui.components.media import media_url
from fsl.ui.pages.classify.decide import has_classes, predict, support_of, what_is_missing
from fsl.ui.pages.classify.downloads import show_downloads
from fsl.ui.pages.classify.other_networks import waiting_text
from fsl.ui.pages.classify.queries import ANSWERS
from fsl.ui.pages.classify.self_check import show_self_check
from fsl.ui.pages.classify.settings import method_in_use, show_settings, threshold_in_use
from fsl.ui.pages.classify.thumbnails import show_thumbnails
from fsl.ui.pages.classify.work import show_work
from fsl.ui.shared.embedding import embed_new
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.found_faces import MainFaceOf, without_face
from fsl.ui.shared.menu import menu
from fsl.ui.shared.network_in_use import chosen_network
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import Choice, choices, load_checkpoint
from fsl.ui.shared.state import Session
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from fsl.fewshot.pictures import Picture
    from fsl.twin.checkpoint import Checkpoint

_OTHER_NETWORK = (
    "This project was saved with another network, or another version of it, which is not installed here, so "
    "its answers may differ. To continue with an installed network, choose it in the settings."
)
_BAR_FROM = 9  # pictures; fewer are embedded before a progress bar could be read
_DONE_SHOWN = 12
_MOST_NAMED = 3


def show_answers(state: Session, self_check_place: DeltaGenerator) -> None:
    """Show everything that needs the network.

    Args:
        state: state of the session.
        self_check_place: container below the drop zone, which the self-check fills.
    """
    missing = what_is_missing(state.workspace)
    queries = state.workspace.queries
    if missing:
        if queries:
            show_thumbnails(state, None, queries, "Pictures to classify")
        st.header("3. Answers", anchor=False)
        st.info(markdown(missing), icon=":material/arrow_upward:")
        if queries or not has_classes(state.workspace):
            return
    installed = choices()
    checkpoint = _load(state, installed)
    state.checkpoint_digest = checkpoint.digest
    support = support_of(state.workspace)
    pictures = [p for card in state.workspace.classes for p in card.pictures] + list(queries)
    with self_check_place:  # in sight of where they were dropped
        _embed_with_bar(checkpoint, pictures, support.few)
    if not missing:
        method = method_in_use(state, checkpoint, support)
        together = state.together and method == "prototype"
        predictions = predict(
            state, checkpoint, support, method, threshold_in_use(state, checkpoint), together
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="answers_head"):
            st.header("3. Answers", anchor=ANSWERS, width="stretch")
            settings = partial(show_settings, state, installed, checkpoint, support)
            menu("Settings", settings, key="settings_menu", icon=":material/tune:")
            downloads = partial(show_downloads, state, predictions, support, checkpoint)
            menu("Download", downloads, key="download_menu", icon=":material/download:")
        with st.container():
            if state.saved_with not in ("", checkpoint.digest):
                st.warning(_OTHER_NETWORK, icon=":material/warning:")
        show_work(state, checkpoint, chosen_network(state, installed).name, predictions)
    with self_check_place:
        show_self_check(state, checkpoint, support)


def _load(state: Session, installed: list[Choice]) -> Checkpoint:
    """Load the chosen network, or else the first one that can be loaded, and say so.

    Without any network the page could not show the settings in which to choose another one.

    Raises:
        FslError: no network can be loaded.
    """
    chosen = chosen_network(state, installed)
    faults = []
    if state.checkpoint not in ("", chosen.name) and not state.saved_with:
        faults.append(f"The network {state.checkpoint} is not installed here.")
    for choice in (chosen, *(other for other in installed if other != chosen and other.path is not None)):
        try:
            with waiting(waiting_text(choice.name), "answers", 420):
                checkpoint = load_checkpoint(choice)
        except FslError as error:
            faults.append(str(error))
            continue
        if faults:
            # A failed download is only tried again when the network is chosen again.
            state.checkpoint = "" if chosen.path is None else choice.name
            said = f"{faults[0]} {choice.name} answers instead."
            state.report(*state.notes, said, problems=state.problems)
            st.rerun()
        return checkpoint
    raise FslError(faults[0])


def _embed_with_bar(checkpoint: Checkpoint, pictures: list[StoredPicture], few: tuple[Picture, ...]) -> None:
    with st.container(key="looking"):
        place = st.empty()

    def progress(done: Sequence[StoredPicture | MainFaceOf], total: int) -> None:
        if total < _BAR_FROM:
            return
        with place.container():
            st.progress(len(done) / total, f"Embedding your pictures: {len(done):,} of {total:,}")
            if done:
                shown = done[: -_DONE_SHOWN - 1 : -1]
                urls = [media_url(one.thumbnail) for one in shown]
                st.html("".join(f'<img src="{url}" alt="" width="56" style="margin: 2px">' for url in urls))

    def progress_of_augmentation(done: Sequence[Picture], total: int) -> None:
        if total >= _BAR_FROM:
            place.progress(len(done) / total, "Embedding them again: mirrored, turned and enlarged")

    model = checkpoint.info.model
    if model.fit == "face":
        embed_new(checkpoint, [MainFaceOf(picture, model.image_size) for picture in pictures], progress)
    else:
        embed_new(checkpoint, pictures, progress)
    embed_new(checkpoint, few, progress_of_augmentation, as_support=True)
    place.empty()
    if model.fit == "face":
        _show_faceless(pictures)


def _show_faceless(pictures: list[StoredPicture]) -> None:
    """Say in one line which pictures have no face."""
    with st.spinner("Looking for faces"):
        names = [picture.name for picture in without_face(pictures)]
    with st.container():
        if names:
            taken = "It is" if len(names) == 1 else "They are"
            st.caption(markdown(f"No face was found in {listed(names, _MOST_NAMED)}. {taken} taken whole."))
