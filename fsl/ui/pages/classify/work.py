"""The answers as a table of work: choose what to see, go through it, correct it; details beside the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.answer_list import AnswerPage, answer_list
from fsl.ui.pages.classify.correct import show_correction, show_near_copies
from fsl.ui.pages.classify.detail import show_detail
from fsl.ui.pages.classify.learn import show_learning
from fsl.ui.pages.classify.pair import show_pair
from fsl.ui.pages.classify.small_map import show_small_map
from fsl.ui.pages.classify.work_list import (
    ALL,
    ORDERS,
    WorkAnswer,
    apply_events,
    filtered,
    filters,
    ordered,
    page_of,
    work_answers,
)
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_callback
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.settings import Setting
from fsl.ui.shared.state import Session

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.twin.checkpoint import Checkpoint

SHOW = Setting("answers_show", "Show", ALL)
ORDER = Setting(
    "answers_order",
    "Order",
    "dropped",
    "“Least certain first” finds mistakes soonest. “What to label next” starts with the pictures that teach "
    "the most as examples: uncertain ones that differ from each other and stand for many others.",
    options=ORDERS,
)
SEARCH = Setting("answers_search", "Search by file name", "")
_MOST_PILLS = 28
_N_USEFUL = 20
_KEYS = (
    "Keys, after a click into the list: arrows to go through it, Enter to accept, 1 to 9 or the "
    "first letter for a class, 0 for unknown, Backspace to take your answer back."
)


def show_work(
    state: Session, checkpoint: Checkpoint, network: str, predictions: Sequence[Prediction]
) -> None:
    """Show the answers; a click or key in them draws only this part of the page anew.

    Args:
        state: state of the session.
        checkpoint: the network.
        network: its name in the list of installed ones.
        predictions: the answer for each query.
    """
    workspace = state.workspace

    def is_current() -> bool:
        return state.workspace.queries is workspace.queries and state.workspace.classes is workspace.classes

    def draw() -> None:
        if not is_current():
            st.rerun()  # pictures came or went, which is a matter of the whole page
        with guarded():
            _draw(state, checkpoint, network, predictions)

    st.fragment(draw)()


def _draw(state: Session, checkpoint: Checkpoint, network: str, predictions: Sequence[Prediction]) -> None:
    answers = work_answers(state.workspace, predictions)
    if len(answers) > 1:
        _show_choices(state, answers)
    found = _in_view(state, checkpoint, answers)
    # The style sheet puts the third below the first: the list is short and the details are long.
    with st.container(key="work"):
        listed, details, more = st.columns(3, gap="medium")
    with listed:
        with st.container():
            show_learning(state, checkpoint, answers)
        chosen = _show_list(state, found) if found else None
    if chosen is None:
        st.info(
            "No answer matches. Choose “All”, or search for another name.", icon=":material/filter_alt_off:"
        )
        return
    members = [(card.name, picture) for card in state.workspace.classes for picture in card.pictures]
    with details, st.container(border=True, key="detail"):
        show_detail(chosen, members, partial(_show_corrections, state, checkpoint, answers, chosen))
    with more:
        show_pair(checkpoint, network, chosen.query, chosen.prediction, members)
        show_small_map(state, checkpoint, chosen.query)


def _show_corrections(
    state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer], chosen: WorkAnswer
) -> None:
    show_correction(state, chosen)
    with st.container():  # below the button that opens it, and what follows keeps its place
        show_near_copies(state, checkpoint, answers, chosen)


def _show_choices(state: Session, answers: Sequence[WorkAnswer]) -> None:
    """Show the filters with their counts, the order and the search."""
    titles = filters(answers, state.workspace)
    show = replace(SHOW, options=titles)
    if len(titles) <= _MOST_PILLS:
        escaped = {key: markdown(title) for key, title in titles.items()}
        st.pills(**replace(show, options=escaped).widget(), required=True)
    columns = st.columns([1, 1, 1] if len(titles) > _MOST_PILLS else [1, 1], vertical_alignment="bottom")
    if len(titles) > _MOST_PILLS:
        columns[0].selectbox(**show.widget())  # Streamlit reads no Markdown in a select box
    columns[-2].selectbox(**ORDER.widget())
    columns[-1].text_input(**SEARCH.widget(), placeholder="part of a name")


def _in_view(state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer]) -> list[WorkAnswer]:
    """Return the answers that are asked for, in their order."""
    if len(answers) < 2:
        return list(answers)
    chosen = (SHOW.value, ORDER.value, SEARCH.value)
    if chosen != state.view.chosen:
        state.view.chosen, state.view.page, state.selected = chosen, 0, ""
    doubts: dict[str, float] = {}
    useful: list[str] = []
    if chosen[1] in ("doubtful", "useful"):
        found = core.doubts([answer.prediction for answer in answers])
        doubts = {answer.query.digest: doubt for answer, doubt in zip(answers, found, strict=True)}
    if chosen[1] == "useful":
        useful = _useful(state, checkpoint, answers, doubts)
    return ordered(filtered(answers, chosen[0], chosen[2]), chosen[1], doubts, useful)


def _useful(
    state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer], doubts: Mapping[str, float]
) -> list[str]:
    """Return the digests of the queries to label next, from memory if nothing has changed."""
    queries = [answer.query for answer in answers]
    open_doubts = tuple(0.0 if one.is_given else doubts[one.query.digest] for one in answers)

    examples = [picture for card in state.workspace.classes for picture in card.pictures]

    def compute() -> list[str]:
        with COMPUTE:
            asked, known = core.embed(checkpoint, queries), core.embed(checkpoint, examples)
        found = core.label_next(asked, known, core.torch.tensor(open_doubts), _N_USEFUL)
        return [queries[place].digest for place in found]

    digests = tuple(picture.digest for picture in (*queries, *examples))
    inputs = ("label-next", checkpoint.digest, open_doubts, digests)
    return state.memo.remember(inputs, compute)


def _show_list(state: Session, found: Sequence[WorkAnswer]) -> WorkAnswer:
    """Show a page of the answers, and return the chosen one."""
    first, shown = page_of(found, state)
    chosen = next((answer for answer in shown if answer.query.digest == state.selected), shown[0])
    state.selected = chosen.query.digest  # the one before may have left the filter
    before, after = found[first - 1 : first], found[first + len(shown) :][:1]
    page = AnswerPage(
        [answer.row for answer in shown],
        first,
        len(found),
        before[0].query.digest if before else "",
        after[0].query.digest if after else "",
        chosen.query.digest,
        [(card.id, card.name) for card in state.workspace.classes],
        state.view.seen,
    )
    answer_list(page, "answers", "Answers, one per picture", guarded_callback(partial(apply_events, state)))
    if len(found) > 1:
        with st.container(key="answers_keys"):
            st.caption(_KEYS)
    return chosen
