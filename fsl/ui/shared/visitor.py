"""An anonymous name for each browser, so that it finds its own training runs and no others."""

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
    """Return the name of this browser; a reload or a restart of browser or server does not change it.

    The name is a digest of a random number in a cookie. Run folders hold the digest, which does not reveal
    the number.
    """
    return hashlib.sha256(_token().encode()).hexdigest()[:16]


def may_see(run: RunInfo, linked: Container[str]) -> bool:
    """Return whether to show a run: one of this browser, of the shell, or one whose link was opened.

    Args:
        run: the run.
        linked: ids of runs in an opened link.
    """
    return run.visitor in ("", visitor()) or run.id in linked


def remember_visitor() -> None:
    """Store the number in a new browser's cookie; every page calls this."""
    if _sent() != _token():
        text = f"{COOKIE}={_token()}; path=/; max-age={_YEAR_SECONDS}; SameSite=Strict"
        st.html(f"<script>document.cookie = '{text}'</script>", unsafe_allow_javascript=True)


def _sent() -> str:
    """Return the number that the browser sent when the session began, "" for none."""
    value = st.context.cookies.get(COOKIE)
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else ""


def _token() -> str:
    token: str = st.session_state.setdefault(_KEY, _sent() or secrets.token_hex(16))
    return token
