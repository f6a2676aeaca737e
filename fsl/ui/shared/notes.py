"""Sentences about the last change to the classes, shown until the next change."""

from __future__ import annotations

import streamlit as st

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.state import Session


def show_notes(state: Session) -> None:
    """Show the notes, without the undo and the problems that the Classify page adds."""
    if state.notes:
        st.info(markdown(" ".join(state.notes)), icon=":material/info:", width="stretch")
