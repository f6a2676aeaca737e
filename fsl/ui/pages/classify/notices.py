"""What the last change did; shown until it is dismissed, something else changes, or the page is left."""

from __future__ import annotations

import streamlit as st

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.state import Session


def show_notices(state: Session) -> None:
    """Show files that could not be used, and notes on the last change."""
    if not (state.notes or state.problems):
        return
    show_problems(state.problems)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="notices"):
        if state.notes:
            st.info(markdown(" ".join(state.notes)), icon=":material/info:", width="stretch")
        st.button("Dismiss", key="dismiss", type="tertiary", on_click=guarded_callback(state.report))
