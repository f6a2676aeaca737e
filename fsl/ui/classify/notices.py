"""What the last change did: kept on the page until it is dismissed or the next change."""

from __future__ import annotations

import streamlit as st

from fsl.data.listing import Problem
from fsl.ui import wording
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded_callback
from fsl.ui.state import Session

_SHOWN_PROBLEMS = 8


def show_notices(state: Session) -> None:
    """Notes, files that could not be used, and the way back."""
    if not (state.notes or state.problems or state.undo):
        return
    if state.problems:
        _show_problems(state.problems)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="notices"):
        if state.notes:
            st.info(markdown(" ".join(state.notes)), icon=":material/info:", width="stretch")
        if state.undo is not None:
            label = f"Undo: bring back {markdown(state.undo.what)}"
            undo = guarded_callback(state.bring_back)
            st.button(label, key="undo", icon=":material/undo:", on_click=undo)
        if state.notes or state.problems:
            dismiss = guarded_callback(state.report)
            st.button("Dismiss", key="dismiss", type="tertiary", on_click=dismiss)


def _show_problems(problems: tuple[Problem, ...]) -> None:
    lines = [f"- {markdown(problem.name)}: {markdown(problem.reason)}" for problem in problems]
    heading = f"{wording.count(len(problems), 'file')} could not be used; everything else was kept."
    with st.container():
        st.warning("\n".join([heading, "", *lines[:_SHOWN_PROBLEMS]]), icon=":material/warning:")
        if len(lines) > _SHOWN_PROBLEMS:
            with st.expander(f"{len(lines) - _SHOWN_PROBLEMS:,} more"):
                st.markdown("\n".join(lines[_SHOWN_PROBLEMS:]))
