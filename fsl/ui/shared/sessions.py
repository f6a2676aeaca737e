"""Free the memory of sessions that have ended.

Streamlit keeps a closed session for a while, in case only the connection was lost (the setting
``server.disconnectedSessionTTL``). It drops expired sessions only when another session ends, so the pictures
of the last visitor of a day, perhaps gigabytes, would stay. A background thread therefore drops them.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Collection
from itertools import count
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.caching.ttl_cache import TTLCache
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from fsl.base.memory import release_memory
from fsl.ui.components.download_link import OFFERED
from fsl.ui.components.media import GIVEN
from fsl.ui.shared import core
from fsl.ui.shared.tab_memory import MEMORY
from fsl.ui.shared.work import cancel_ended

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 15.0
_EXPIRE_EVERY = 240
"""Rounds of the thread from one look at old runs to the next: once an hour."""


@st.cache_resource(show_spinner=False)
def forget_ended_sessions() -> threading.Thread:
    """Start the thread that drops ended sessions, once for all sessions."""
    thread = threading.Thread(target=_keep_looking, name="forget-sessions", daemon=True)
    thread.start()
    return thread


def _keep_looking() -> None:
    for look in count():
        if look % _EXPIRE_EVERY == 1:  # not at the very first, when somebody waits for the first page
            core.expire()
        time.sleep(_EVERY_SECONDS)
        if not runtime.exists():
            continue
        server = runtime.get_instance()
        dropped = drop_expired(server)
        if dropped is None:
            _LOG.warning("This version of Streamlit keeps sessions in another way; ended ones stay longer")
            return
        known = _ids_of_sessions(server)
        cancel_ended(known)
        forgotten = MEMORY.sweep(server.is_active_session, known)
        drop_late_uploads(server.uploaded_file_mgr, known)
        GIVEN.forget_others(known)
        OFFERED.forget_others(known)
        if dropped or forgotten:
            forget_what_they_left(server)
            release_memory()


def _ids_of_sessions(server: Any) -> set[str]:
    manager = server._session_mgr
    with manager._storage_lock:  # or one that reconnects just now might be on neither list
        return {info.session.id for info in manager.list_sessions()}


def drop_expired(server: object) -> int | None:
    """Drop the sessions that closed longer ago than Streamlit promises to keep them.

    Streamlit has no public way to do this; ``tests/ui/shared/test_sessions.py`` fails if it changes.

    Args:
        server: Streamlit's runtime.

    Returns:
        the number of sessions dropped; None if this version of Streamlit keeps sessions in another way.
    """
    manager = getattr(server, "_session_mgr", None)
    cache = getattr(getattr(manager, "_session_storage", None), "_cache", None)
    lock = getattr(manager, "_storage_lock", None)
    if not isinstance(cache, TTLCache) or lock is None:
        return None
    with lock:
        return len(cache.expire())


def drop_late_uploads(files: object, sessions: Collection[str]) -> None:
    """Drop the uploads that were complete only after their session had ended; Streamlit would keep them.

    Args:
        files: where Streamlit holds uploads.
        sessions: ids of the sessions there are.
    """
    if isinstance(files, MemoryUploadedFileManager):
        for session in set(files.file_storage) - set(sessions):
            files.remove_session_files(session)


def forget_what_they_left(server: Any) -> None:
    """Free what dropped sessions leave behind in memory that all sessions share.

    Args:
        server: Streamlit's runtime.
    """
    gc.collect()  # a session releases its files when it is collected
    # Streamlit marks an unused download first and removes it when the next session ends; without this call,
    # the last visitor's project with all its pictures would stay until then.
    server.media_file_mgr.remove_orphaned_files()
    if not server._session_mgr.list_sessions() and not len(MEMORY):
        core.CACHE.clear()
