"""The tab of the browser that a page is drawn in: give it back what it held before a reload."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import streamlit as st
from streamlit import runtime

from fsl.ui.components.session import session_id
from fsl.ui.components.tab import tab_component, what_was_told
from fsl.ui.components.undivided import undivided
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.holders import Holder
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.settings import restore_settings
from fsl.ui.shared.tab_memory import KEPT, KEPT_SECONDS, MEMORY, TabState
from fsl.ui.shared.upload_room import latest_refusal
from fsl.ui.shared.visitor import visitor
from fsl.ui.shared.work import hand_over_work

# Streamlit draws a page anew when its connection is back only if the page has a clock. It may tick seldom.
_CLOCK_SECONDS = 12 * 3600
_WIDGET = "tab_secret"
_HOW_TO_KEEP = (
    "To keep pictures for longer, save them as a project: on the Classify page, **Project**, then **Save "
    "project**. It opens there again."
)
_NO_ROOM = ":material/warning:"
_RESTARTED = f"The server was restarted, so the pictures of this tab are gone. {_HOW_TO_KEEP}"
_EXPIRED = (
    f"The pictures of this tab are gone: nobody looked at it for more than {KEPT_SECONDS // 60} minutes, or "
    f"their place in memory was needed. {_HOW_TO_KEEP}"
)


@dataclass
class _ThisTab:
    """What this session knows of its tab.

    Attributes:
        asked: word that the tab's answer repeats.
        secret: secret of the tab, "" before the tab has told it.
        returned: what the tab gets back at the start of the next run of the page, by key.
        lost: sentence about pictures that could not be given back, "" for none.
        refused: why the server refused a file, "" for none.
        is_awaited: whether the page is drawn anew once the tab has told its secret.
    """

    asked: str = field(default_factory=lambda: secrets.token_hex(8))
    secret: str = ""
    returned: Mapping[str, TabState] = field(default_factory=dict)
    lost: str = ""
    refused: str = ""
    is_awaited: bool = False


def recall_tab() -> bool:
    """Give a reloaded tab back what it held; every page calls this before it draws anything of its own.

    Returns:
        whether to wait with the rest of the page, as this browser has work here and the tab has not told its
        secret yet. That takes a blink of an eye, and the page is drawn anew then.
    """
    tab = _this_tab()
    if tab.returned:
        for key, value in tab.returned.items():
            st.session_state[key] = value
        tab.returned = {}
        restore_settings()
    if tab.secret and not _keep(tab):
        _go_separate_ways(tab)
    _show_component()
    tab.is_awaited = not tab.secret and MEMORY.knows(visitor())
    return tab.is_awaited


def forget_notices() -> None:
    """Forget what the pages say about the last change: a notice goes when one leaves its page."""
    _this_tab().refused = ""
    for key in KEPT:
        value = st.session_state.get(key)
        if isinstance(value, TabState):
            value.forget_notices()


def show_what_is_lost() -> None:
    """Say that pictures of this tab are gone, or that a file was refused, until that is dismissed."""
    tab = _this_tab()
    for key, text, icon in (("lost", tab.lost, ":material/history:"), ("refused", tab.refused, _NO_ROOM)):
        if text:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
                st.warning(text, icon=icon, width="stretch")
                guarded_button("Dismiss", f"{key}_dismiss", partial(_dismiss, key), type="tertiary")


def _dismiss(key: str) -> None:
    setattr(_this_tab(), key, "")


@st.fragment(run_every=_CLOCK_SECONDS)
def _show_component() -> None:
    tab = _this_tab()
    tab_component(
        _WIDGET, tab.asked, tab.secret, _holds_pictures(), MEMORY.server, _take_answer, _say_refusal
    )
    if tab.secret and tab.is_awaited:
        tab.is_awaited = False
        st.rerun()


@undivided()
def _take_answer() -> None:
    tab = _this_tab()
    told = what_was_told(_WIDGET, tab.asked)
    if told is None or tab.secret:
        return
    recalled = MEMORY.recall(visitor(), told.secret, session_id(), _is_connected)
    tab.secret = recalled.secret
    if recalled.values:
        tab.returned, tab.is_awaited = recalled.values, True
        hand_over_work(recalled.from_session, session_id())
        return
    if told.held:
        tab.lost = _EXPIRED if told.server == MEMORY.server else _RESTARTED
        tab.is_awaited = True
    _keep(tab)


@undivided()
def _say_refusal() -> None:
    tab = _this_tab()
    tab.refused = latest_refusal(session_id())
    tab.is_awaited = bool(tab.refused)


def _keep(tab: _ThisTab) -> bool:
    """Keep what this session holds; return False if another session has taken the tab over."""
    held = {key: st.session_state[key] for key in KEPT if key in st.session_state}
    return MEMORY.keep(visitor(), tab.secret, session_id(), held)


def _go_separate_ways(tab: _ThisTab) -> None:
    """Copy what this session shares with the one that took its tab over, and take another secret."""
    for key in KEPT:
        value = st.session_state.get(key)
        if isinstance(value, TabState):
            st.session_state[key] = value.copied()
    tab.secret = secrets.token_hex(16)
    _keep(tab)


def _holds_pictures() -> bool:
    held = (st.session_state.get(key) for key in KEPT)
    return any(next(iter(value.holdings()), None) is not None for value in held if isinstance(value, Holder))


def _is_connected(session: str) -> bool:
    return runtime.exists() and runtime.get_instance().is_active_session(session)


_this_tab = per_session("few_shot_lab_tab", _ThisTab)
