"""Add what a person labelled to the classes as examples, and say what that changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, percent
from fsl.ui.pages.classify.decide import check_support, support_of
from fsl.ui.pages.classify.settings import rule_in_use
from fsl.ui.pages.classify.work_list import WorkAnswer
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.state import AddedExamples, Session

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut
    from fsl.twin.checkpoint import Checkpoint


def show_learning(state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer]) -> None:
    """Offer to add the labelled pictures to their classes, or say what the last ones changed."""
    to_learn = state.workspace.to_learn()
    n = sum(map(len, to_learn.values()))
    if n:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="learn"):
            examples = count(n, "example")
            st.markdown(
                f"You labelled {count(n, 'picture')} of {count(len(to_learn), 'class', 'classes')}. As "
                "examples they can improve the other answers.",
                width="stretch",
            )
            guarded_button(
                f"Add {examples}",
                "learn_now",
                partial(_learn, state, checkpoint, answers, n),
                icon=":material/school:",
                type="primary",
            )
    added = state.view.added
    if added is None or added.classes is not state.workspace.classes:
        return
    now = check_support(state, checkpoint, support_of(state.workspace), rule_in_use(state, checkpoint))
    with st.container(horizontal=True, vertical_alignment="center", key="added"):
        st.success(markdown(told(added, answers, now)), icon=":material/school:", width="stretch")
        guarded_button("Dismiss", "forget_lesson", partial(_forget, state), type="tertiary")


def told(added: AddedExamples, answers: Sequence[WorkAnswer], now: LeaveOneOut | None) -> str:
    """Return what the examples changed: answers, and the self-check before and after."""
    others = [one for one in answers if not one.is_given and one.query.digest in added.answers]
    changed = sum(added.answers[one.query.digest] != one.label for one in others)
    grown = f"{count(added.n_examples, 'example was', 'examples were')} added."
    answered = f"Of {count(len(others), 'other answer')}, {changed:,} changed." if others else ""
    before = added.self_check
    check = ""
    if before is not None and now is not None:
        check = (
            f"Self-check: {percent(before.accuracy)} ({before.n_right} of {before.n_images}) before, "
            f"{percent(now.accuracy)} ({now.n_right} of {now.n_images}) now."
        )
    return " ".join(part for part in (grown, answered, check) if part)


def _learn(state: Session, checkpoint: Checkpoint, answers: Sequence[WorkAnswer], n: int) -> None:
    before = check_support(state, checkpoint, support_of(state.workspace), rule_in_use(state, checkpoint))
    state.change(
        state.workspace.learned(),
        undo=f"the classes without {'this' if n == 1 else 'these'} {count(n, 'example')}",
    )
    labels = {answer.query.digest: answer.label for answer in answers}
    state.view.added = AddedExamples(n, before, labels, state.workspace.classes)
    st.rerun()


def _forget(state: Session) -> None:
    state.view.added = None
