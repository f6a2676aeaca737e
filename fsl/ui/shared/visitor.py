"""Who is looking: an anonymous name for a browser, so that it finds its own runs again and nobody else's."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Container
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

COOKIE = "few_shot_lab_browser"
_KEY = "few_shot_lab_visitor"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_YEAR_SECONDS = 365 * 24 * 3600


def visitor() -> str:
    """This browser's name: the same after a reload, a restart of the browser or of the server.

    It is a digest of a random number that the browser keeps in a cookie; from the digest, which run folders
    hold, the number cannot be told.
    """
    return hashlib.sha256(_token().encode()).hexdigest()[:16]


def may_see(run: RunInfo, linked: Container[str]) -> bool:
    """Whether a run is shown here: this browser's and the shell's are, and those whose link was opened.

    Args:
        run: any.
        linked: ids of runs that a link led to.
    """
    return run.visitor in ("", visitor()) or run.id in linked


def remember_visitor() -> None:
    """Have a browser that comes for the first time keep its number; called by every page."""
    if _sent() != _token():
        text = f"{COOKIE}={_token()}; path=/; max-age={_YEAR_SECONDS}; SameSite=Strict"
        st.html(f"<script>document.cookie = '{text}'</script>", unsafe_allow_javascript=True)


def _sent() -> str:
    """The number that the browser sent when the session began; "" for none."""
    value = st.context.cookies.get(COOKIE)
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else ""


def _token() -> str:
    token: str = st.session_state.setdefault(_KEY, _sent() or secrets.token_hex(16))
    return token
