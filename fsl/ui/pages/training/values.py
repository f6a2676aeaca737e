"""What the page's widgets were last set to: Streamlit forgets that when the page changes."""

from __future__ import annotations

from typing import Any

import streamlit as st

_KEY = "few_shot_lab_training"


def values() -> dict[str, Any]:
    """The values of this browser session, by widget key; may be changed."""
    kept: dict[str, Any] = st.session_state.setdefault(_KEY, {})
    return kept


def kept(key: str, default: Any) -> str:
    """Prepare a widget: give it back its last value, or the default. To be used as ``key=kept("x", 1)``.

    Args:
        key: of the widget.
        default: its first value.

    Returns:
        ``key``.
    """
    if key in st.session_state:
        values()[key] = st.session_state[key]
    st.session_state[key] = values().setdefault(key, default)
    return key


def set_values(new: dict[str, Any]) -> None:
    """Give widgets other values; before the widgets are made in this run of the page."""
    for key, value in new.items():
        values()[key] = value
        st.session_state[key] = value
