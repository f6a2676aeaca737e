"""Declare a browser component: an element of a page with a script of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent


def declare(name: str, html: str, *files: str) -> ComponentRenderer:
    """Register a component with Streamlit, and return the function that shows it.

    Args:
        name: its name.
        html: what its script finds on the page.
        files: its scripts and style sheets, paths below this folder.
    """
    style = joined(files, ".css") or None
    return st.components.v2.component(f"few_shot_lab_{name}", html=html, css=style, js=joined(files, ".js"))


def sent(key: str, name: str) -> Any:
    """Return what the browser sent under that name, which comes from outside; None for nothing.

    Args:
        key: key of the component.
        name: name of the event.
    """
    state = st.session_state.get(key)
    return state.get(name) if isinstance(state, Mapping) else None


def joined(files: Sequence[str], ending: str) -> str:
    """Return the text of those files whose name ends so; a component takes one script and one style."""
    return "\n".join((_HERE / file).read_text(encoding="utf-8") for file in files if file.endswith(ending))
