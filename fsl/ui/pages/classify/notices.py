"""What the last change did; shown until it is dismissed or something else changes."""

from __future__ import annotations

import streamlit as st

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.notes import show_notes
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.state import Session


def show_notices(state: Session) -> None:
    """Show files that could not be used, notes on the last change, and undo."""
    if not (state.notes or state.problems or state.undo):
        return
    show_problems(state.problems)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="notices"):
        show_notes(state)
        if state.undo is not None:
            what, undo = state.undo.what, guarded_callback(state.bring_back)
            label = f"Undo: bring back {markdown(what)}" if what else "Redo"
            icon = f":material/{'undo' if what else 'redo'}:"
            st.button(label, key="undo", icon=icon, on_click=undo)
        if state.notes or state.problems:
            dismiss = guarded_callback(state.report)
            st.button("Dismiss", key="dismiss", type="tertiary", on_click=dismiss)
