"""A session's pictures go when the session does, even where nobody comes after it.

Streamlit keeps a closed session for a while, in case its browser was only cut off (the setting
``server.disconnectedSessionTTL``). What is older it drops only when the next session ends: after the last
visitor of a day, gigabytes of pictures would stay. So somebody has to look from time to time.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.caching.ttl_cache import TTLCache

from fsl.base.memory import give_memory_back
from fsl.ui.shared import core
from fsl.ui.shared.work import cancel_ended

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 15.0


@st.cache_resource(show_spinner=False)
def forget_ended_sessions() -> threading.Thread:
    """Start looking, once for all sessions."""
    thread = threading.Thread(target=_keep_looking, name="forget-sessions", daemon=True)
    thread.start()
    return thread


def _keep_looking() -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        if not runtime.exists():
            continue
        server = runtime.get_instance()
        dropped = drop_expired(server)
        if dropped is None:
            _LOG.warning("This version of Streamlit keeps its sessions otherwise; ended ones stay longer")
            return
        cancel_ended(_ids_of_sessions(server))
        if dropped:
            forget_what_they_left(server)
            give_memory_back()


def _ids_of_sessions(server: Any) -> set[str]:
    manager = server._session_mgr
    with manager._storage_lock:  # or one that reconnects just now might be on neither list
        return {info.session.id for info in manager.list_sessions()}


def drop_expired(server: object) -> int | None:
    """Drop the sessions that closed longer ago than Streamlit promises to keep them.

    There is no public way to ask for that; ``tests/ui/test_sessions.py`` says when Streamlit changes it.

    Args:
        server: Streamlit's runtime.

    Returns:
        how many were dropped; none where sessions are kept in another way.
    """
    manager = getattr(server, "_session_mgr", None)
    cache = getattr(getattr(manager, "_session_storage", None), "_cache", None)
    lock = getattr(manager, "_storage_lock", None)
    if not isinstance(cache, TTLCache) or lock is None:
        return None
    with lock:
        return len(cache.expire())


def forget_what_they_left(server: Any) -> None:
    """Give up what dropped sessions leave behind in what all sessions share.

    Args:
        server: Streamlit's runtime.
    """
    gc.collect()  # a session lets go of its files at its very end
    # Streamlit only marks a download the first time that nobody has it any more, and looks again when the
    # next session ends; the last visitor's project, with all pictures in it, would wait for that.
    server.media_file_mgr.remove_orphaned_files()
    if not server._session_mgr.list_sessions():
        core.CACHE.clear()
