"""Popovers and expanders whose content is built when somebody opens them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from fsl.ui.shared.guard import guarded


def menu(label: str, draw: Callable[[], None], *, key: str, icon: str, help: str | None = None) -> None:
    """Show a popover; opening or closing it draws nothing but its content.

    Whatever is changed in it draws the whole page anew. Its buttons need callbacks: what ``st.button``
    returns is lost when the page is drawn.

    Args:
        label: of the button that opens it.
        draw: draws the content.
        key: of the popover; with a new key it is closed.
        icon: of the button.
        help: tooltip of the button.
    """
    with st.container(width="content"):  # a fragment takes all the width there is
        _build_when_open(partial(st.popover, label, icon=icon, help=help, key=key), draw)


def panel(label: str, draw: Callable[[], None], *, key: str) -> None:
    """Show an expander, closed at first, that works like :func:`menu`.

    Args:
        label: its title.
        draw: draws the content.
        key: of the expander.
    """
    _build_when_open(partial(st.expander, label, key=key), draw)


def _build_when_open(place: Callable[..., Any], draw: Callable[[], None]) -> None:
    """Draw into a popover or expander if it is open, in a fragment of its own."""
    is_page_drawn = False
    toggles: list[None] = []

    def show() -> None:
        opened = place(on_change=toggles.append, args=(None,))
        if opened.open:
            with opened, guarded():
                draw()
        if is_page_drawn and not toggles:
            st.rerun()  # only now: Streamlit forgets what widgets hold that are not drawn before
        toggles.clear()

    st.fragment(show)()
    is_page_drawn = True
