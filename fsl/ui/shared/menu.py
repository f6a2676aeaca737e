"""Menus whose content is built when they are opened for the first time.

Most menus are never opened, and each visitor would pay for them in every run of the page. What stands in the
popover tells the server that it is open, until the content is there (``components/opening.js``).
``st.popover(on_change=...)`` in a fragment would cost less, but tells it once, and Streamlit passes over a
click whose fragment another run of the page has replaced meanwhile. The menu would stay empty.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import streamlit as st

from fsl.ui.components.declare import declare
from fsl.ui.components.undivided import undivided

_OPENED = "few_shot_lab_opened_menus"
_opening = declare("opening", '<span role="status">Loading…</span>', "opening.js")


def menu(
    label: str,
    draw: Callable[[], None],
    *,
    key: str,
    icon: str | None = None,
    help: str | None = None,
    width: Literal["content", "stretch"] = "content",
) -> None:
    """Show a popover.

    Args:
        label: of the button that opens it.
        draw: draws the content.
        key: of the popover; with a new key it is closed, and not built.
        icon: of the button; None for none.
        help: tooltip of the button.
        width: of the button.
    """
    with st.popover(label, icon=icon, help=help, key=key, width=width):
        if key in st.session_state.setdefault(_OPENED, set()):
            draw()
        else:
            # May be called again, should the page keep showing this.
            _opening(key=f"{key}_opening", on_opened_change=partial(_open, key))


@undivided()
def _open(key: str) -> None:
    st.session_state[_OPENED].add(key)
