"""The answers: a tile for each query, details of the chosen one, and the self-check of the classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fsl.base.errors import FslError
from fsl.base.text import listed, percent
from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.classify.decide import (
    check_support,
    compare,
    has_classes,
    predict,
    support_of,
    what_is_missing,
)
from fsl.ui.pages.classify.detail import show_detail
from fsl.ui.pages.classify.downloads import show_downloads
from fsl.ui.pages.classify.fine_tune import show_fine_tuning
from fsl.ui.pages.classify.other_networks import waiting_text
from fsl.ui.pages.classify.pair import show_pair
from fsl.ui.pages.classify.settings import (
    method_in_use,
    rule_in_use,
    show_settings,
    threshold_in_use,
    use_method,
)
from fsl.ui.pages.classify.small_map import show_small_map
from fsl.ui.pages.classify.thumbnails import remover, show_more, show_thumbnails, shown_number
from fsl.ui.shared import wording
from fsl.ui.shared.embedding_cache import embed_new
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.found_faces import MainFaceOf, without_face
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.network_in_use import chosen_network
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import Choice, choices, load_checkpoint
from fsl.ui.shared.state import Session
from fsl.ui.shared.waiting import waiting

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.pictures import Picture
    from fsl.fewshot.support import SupportSet
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
        self_check_place: container below the classes, which the self-check fills.
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
    _embed_with_bar(checkpoint, pictures, support.few)
    if not missing:
        method = method_in_use(state, checkpoint, support)
        predictions = predict(state, checkpoint, support, method, threshold_in_use(state, checkpoint))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header("3. Answers", anchor=False, width="stretch")
            with st.popover("Settings", icon=":material/tune:"):
                show_settings(state, installed, checkpoint, support)
            with st.popover("Download", icon=":material/download:"):
                show_downloads(predictions, support, checkpoint)
        if state.saved_with not in ("", checkpoint.digest):
            st.warning(_OTHER_NETWORK, icon=":material/warning:")
        _show_tiles(state, predictions)
        _show_selected(state, predictions, checkpoint, chosen_network(state, installed).name)
        show_small_map(state, checkpoint, _selected_query(state))
    with self_check_place:
        _show_self_check(state, checkpoint, support)


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
                st.image([picture.thumbnail for picture in done[: -_DONE_SHOWN - 1 : -1]], width=56)

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
    if names:
        taken = "It is" if len(names) == 1 else "They are"
        st.caption(markdown(f"No face was found in {listed(names, _MOST_NAMED)}. {taken} taken whole."))


def _show_tiles(state: Session, predictions: list[Prediction]) -> None:
    queries = state.workspace.queries
    shown = shown_number(state, None)
    pairs = list(zip(queries, predictions, strict=True))[:shown]
    n_unknown = sum(p.unknown for p in predictions)
    if len(predictions) > 1:
        unknown = f", {n_unknown} unknown" if n_unknown else ""
        st.caption(f"{len(predictions):,} pictures{unknown}. Choose one to see why.")
    picture_grid(
        [_tile(query, prediction) for query, prediction in pairs],
        key="answers",
        label="Answers, one per picture",
        size="medium",
        actions=Actions(remover(state, None), guarded_callback(_selector(state)), show_more(state, None)),
        selected=_selected_query(state).digest,
        hidden=len(queries) - len(pairs),
    )


def _tile(query: StoredPicture, prediction: Prediction) -> Tile:
    return Tile(
        query.digest,
        query.thumbnail,
        query.name,
        title="unknown" if prediction.unknown else prediction.label,
        note=f"maybe {prediction.label}" if prediction.unknown else percent(prediction.probability),
        bar=None if prediction.unknown else prediction.probability,
        tone="warning" if prediction.unknown else "accent",
    )


def _selector(state: Session) -> Callable[[str], None]:
    def select(digest: str) -> None:
        state.selected = digest

    return select


def _selected_query(state: Session) -> StoredPicture:
    queries = state.workspace.queries
    return next((query for query in queries if query.digest == state.selected), queries[0])


def _show_selected(
    state: Session, predictions: list[Prediction], checkpoint: Checkpoint, network: str
) -> None:
    query = _selected_query(state)
    prediction = predictions[state.workspace.queries.index(query)]
    members = [(card.name, p) for card in state.workspace.classes for p in card.pictures]
    show_detail(query, prediction, members)
    show_pair(checkpoint, network, query, prediction, members)


def _show_self_check(state: Session, checkpoint: Checkpoint, support: SupportSet) -> None:
    outcome = check_support(state, checkpoint, support, rule_in_use(state, checkpoint))
    with st.container(border=True, key="self_check", gap="small"):
        st.markdown(
            f"**Self-check.** {markdown(wording.self_check(outcome))}",
            help="Each of your pictures is hidden in turn and classified by all the others.",
        )
        if outcome is not None:
            st.progress(outcome.accuracy)
            hint = wording.self_check_hint(outcome)
            if hint:
                st.caption(markdown(hint))
        _show_comparison(state, checkpoint, support)
        if outcome is not None:
            show_fine_tuning(state, checkpoint, outcome)


def _show_comparison(state: Session, checkpoint: Checkpoint, support: SupportSet) -> None:
    with st.spinner("Testing the quick classifier on your pictures"):
        found = compare(state, checkpoint, support)
    if found is None:
        return
    st.markdown(
        f"**Quick classifier.** {markdown(wording.verdict(found))}",
        help="A small classifier (logistic regression) fitted to the embeddings of your pictures. "
        "Similarities, and what counts as unknown, still come from the network.",
    )
    st.caption(markdown(wording.comparison(found)))
    if found.right[found.best] > found.right[method_in_use(state, checkpoint, support)]:
        st.button(
            f"Use it: {wording.RULE_NAMES[found.best].lower()}",
            key="use_best",
            icon=":material/check:",
            on_click=guarded_callback(use_method),
            args=(state, found.best),
        )
