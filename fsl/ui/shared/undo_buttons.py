"""Buttons that undo removals, step by step, and do them again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.undo import History

W = TypeVar("W")


def show_undo(key: str, history: History[W], undo: Callable[[], None], redo: Callable[[], None]) -> None:
    """Show a button for the latest removal, and one for what was undone last.

    Args:
        key: prefix of the buttons' keys.
        history: the latest removals.
        undo: brings back what was removed last.
        redo: removes again what was brought back last.
    """
    if history.removals:
        label = f"Undo: bring back {markdown(history.removals[-1].what)}"
        st.button(
            label,
            key=f"{key}_undo",
            icon=":material/undo:",
            type="tertiary",
            on_click=guarded_callback(undo),
        )
    if history.undone:
        what = markdown(history.undone[-1][0].what)
        st.button(
            "Redo",
            key=f"{key}_redo",
            icon=":material/redo:",
            type="tertiary",
            help=f"Removes {what} again.",
            on_click=guarded_callback(redo),
        )
