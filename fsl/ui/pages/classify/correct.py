"""Accept or correct one answer, and give the same answer to near copies of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.base.text import count, similarity_text
from fsl.ui.components.answer_list import UNKNOWN
from fsl.ui.components.pictures import Tile, picture_grid, with_similarity
from fsl.ui.pages.classify.decide import support_of
from fsl.ui.pages.classify.thumbnails import remove_picture
from fsl.ui.pages.classify.work_list import WorkAnswer
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button, guarded_callback
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.state import Session

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint

_MOST_PILLS = 28
_SHOWN = 40
_ALIKE = Setting(
    "alike_from",
    "Similar from",
    0.99,
    "How similar another picture must be to count as a near copy of this one.",
    (0.5, 1.0, 0.005),
)


def show_correction(state: Session, answer: WorkAnswer) -> None:
    """Show the ways to accept, correct or take back one answer, and to remove its picture."""
    digest = answer.query.digest
    _choose_class(state, answer)
    with st.container(horizontal=True, gap="small"):
        if answer.is_given:
            guarded_button(
                "Take back",
                "take_back",
                partial(_take_back, state, digest),
                icon=":material/undo:",
                help="The network's answer counts again.",
            )
        else:
            guarded_button(
                "Accept",
                "accept",
                partial(_accept, state, digest, answer.target),
                icon=":material/check:",
                help="The answer is right.",
            )
        if len(state.workspace.queries) > 1:
            guarded_button(
                "Answer all like this one",
                "like_this",
                partial(_start_spreading, state),
                icon=":material/content_copy:",
                help="Finds near copies of this picture; you see them before they get the same answer.",
            )
        guarded_button(
            "Remove",
            "remove_query",
            partial(remove_picture, state, None, digest),
            icon=":material/close:",
            type="tertiary",
            help="Takes this picture away from those to classify.",
        )


def _choose_class(state: Session, answer: WorkAnswer) -> None:
    """Show every class and "unknown", to choose what the picture shows."""
    digest = answer.query.digest
    key = f"correct_{digest[:16]}"
    titles = {UNKNOWN: "0 · unknown"}
    for place, card in enumerate(state.workspace.classes, start=1):
        titles[card.id] = f"{place} · {card.name}" if place < 10 else card.name
    # Set in every run, because a key pressed in the list changes it as well.
    st.session_state[key] = answer.target if answer.is_given else None
    arguments: dict[str, Any] = {
        "label": "It shows",
        "options": [*(card.id for card in state.workspace.classes), UNKNOWN],
        "key": key,
        "help": "If the answer is wrong, choose what the picture shows. That counts from then on: in the "
        "list, in the downloads and when the photos are sorted.",
        "on_change": guarded_callback(_correct),
        "args": (state, digest, key),
    }
    if len(titles) <= _MOST_PILLS:
        st.pills(**arguments, format_func=lambda option: markdown(titles[option]))
    else:  # Streamlit reads no Markdown in a select box
        st.selectbox(**arguments, format_func=titles.__getitem__, index=None, placeholder="Choose a class")


def show_near_copies(
    state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer], chosen: WorkAnswer
) -> None:
    """Show the pictures that are nearly the same as the chosen one, and a button to answer all alike."""
    if not state.view.is_spreading:
        return
    with st.container(border=True, key="near_copies"):
        label = "unknown" if chosen.label is None else chosen.label
        st.markdown(f"**Answer all like this one: {markdown(label)}**")
        limit = float(st.slider(**_ALIKE.widget()))
        similar = _similar(state, checkpoint, answers, chosen)
        found = sorted(
            ((s, one) for s, one in zip(similar, answers, strict=True) if s >= limit and one is not chosen),
            key=lambda pair: -pair[0],
        )
        tiles = [
            with_similarity(
                Tile(one.query.digest, one.query.thumbnail, one.query.name),
                "unknown" if one.label is None else one.label,
                similarity,
                one.target == chosen.target,
            )
            for similarity, one in found[:_SHOWN]
        ]
        if tiles:
            picture_grid(
                tiles, key="near_copies_grid", label="Near copies, most similar first", size="medium"
            )
        if len(found) > _SHOWN:
            st.caption(f"The {_SHOWN} most similar of {len(found):,}.")
        elif not found:
            st.caption(f"No other picture has similarity {similarity_text(limit)} or more to this one.")
        with st.container(horizontal=True, gap="small"):
            pictures = count(len(found), "picture")
            if found:
                guarded_button(
                    f"Give {pictures} this answer",
                    "spread",
                    partial(_spread, state, chosen, [one.query.digest for _, one in found], pictures),
                    icon=":material/done_all:",
                    type="primary",
                )
            guarded_button("Close", "close_near_copies", partial(_stop_spreading, state))


def _similar(
    state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer], chosen: WorkAnswer
) -> list[float]:
    """Return the similarity of each query to the chosen one, from memory if nothing has changed."""
    queries = [answer.query for answer in answers]
    support = support_of(state.workspace)

    def compute() -> list[float]:
        with COMPUTE:
            return core.similar_queries(checkpoint, support, queries, chosen.query)

    digests = tuple(picture.digest for picture in (*queries, *support.images))
    return state.memo.remember(("alike", checkpoint.digest, chosen.query.digest, digests), compute)


def _correct(state: Session, digest: str, key: str) -> None:
    target = st.session_state[key]
    # On a slow server, the former answer's classes can still stand there after a click on another answer:
    # what is chosen in them is meant for the answer clicked on since.
    digest = state.selected or digest
    if target is None:
        _take_back(state, digest)
    else:
        _accept(state, digest, target)


def _accept(state: Session, digest: str, target: int) -> None:
    state.change(state.workspace.corrected([digest], None if target == UNKNOWN else target))


def _take_back(state: Session, digest: str) -> None:
    state.change(state.workspace.uncorrected([digest]))


def _start_spreading(state: Session) -> None:
    state.view.is_spreading = True


def _stop_spreading(state: Session) -> None:
    state.view.is_spreading = False


def _spread(state: Session, chosen: WorkAnswer, digests: Sequence[str], pictures: str) -> None:
    target = None if chosen.target == UNKNOWN else chosen.target
    workspace = state.workspace.corrected([chosen.query.digest, *digests], target)
    state.change(workspace, undo=f"the former answers of {pictures}")
    state.view.is_spreading = False
    label = "unknown" if chosen.label is None else chosen.label
    verb = "counts" if len(digests) == 1 else "count"
    state.report(f"{pictures} like {chosen.query.name} now {verb} as {label}.")
    st.rerun()
