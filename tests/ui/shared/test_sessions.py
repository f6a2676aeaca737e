"""Session data goes when the session does."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from streamlit.runtime.media_file_manager import MediaFileManager, MediaFileMetadata
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.testing.v1 import AppTest

from fsl.fewshot.embed import CACHE
from fsl.ui.components.download_link import OFFERED
from fsl.ui.shared import sessions
from tests.helpers.fixtures import ROOT
from tests.helpers.pages import fill, state


def server(ttl_seconds: float) -> SimpleNamespace:
    """A runtime with Streamlit's own session manager and storage, as far as they matter here."""
    manager = WebsocketSessionManager(
        MemorySessionStorage(ttl_seconds=ttl_seconds),  # type: ignore[arg-type]
        SimpleNamespace(),  # type: ignore[arg-type]
        SimpleNamespace(),  # type: ignore[arg-type]
        None,
    )
    return SimpleNamespace(_session_mgr=manager)


class ClosedSession:
    id = "closed"


def test_a_session_closed_long_ago_is_dropped_though_nobody_comes() -> None:
    runtime = server(0.01)
    session = ClosedSession()
    gone = weakref.ref(session)
    runtime._session_mgr._session_storage.save(SimpleNamespace(session=session))
    del session
    time.sleep(0.05)
    gc.collect()
    assert gone() is not None  # by itself, Streamlit keeps it
    assert sessions.drop_expired(runtime) == 1
    gc.collect()
    assert gone() is None


def test_a_session_closed_just_now_is_kept() -> None:
    runtime = server(100)
    runtime._session_mgr._session_storage.save(SimpleNamespace(session=ClosedSession()))
    assert sessions.drop_expired(runtime) == 0
    assert runtime._session_mgr._session_storage.get("closed") is not None


def test_a_runtime_of_another_kind_is_left_alone() -> None:
    assert sessions.drop_expired(SimpleNamespace()) is None


def test_the_last_visitors_downloads_and_embeddings_go_too() -> None:
    runtime = server(100)
    files = runtime.media_file_mgr = MediaFileManager(MemoryMediaFileStorage("/media"))
    files._storage.load_and_get_id(b"a project", "application/zip", MediaFileKind.DOWNLOADABLE, "p.zip")
    file_id = next(iter(files._storage._files_by_id))
    files._file_metadata[file_id] = MediaFileMetadata(MediaFileKind.DOWNLOADABLE)
    files.remove_orphaned_files()  # as a session does at its end
    assert files._storage._files_by_id  # Streamlit has only marked it
    CACHE.put(("twin", "digest"), torch.zeros(3))
    runtime._session_mgr._session_storage.save(SimpleNamespace(session=ClosedSession()))
    sessions.forget_what_they_left(runtime)
    assert not files._storage._files_by_id
    assert CACHE.get(("twin", "digest")) is not None  # somebody is still there
    runtime._session_mgr._session_storage.delete("closed")
    sessions.forget_what_they_left(runtime)
    assert CACHE.get(("twin", "digest")) is None


def test_nothing_of_ours_holds_on_to_a_sessions_pictures(
    checkpoint_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))

    def visit() -> list[weakref.ref[object]]:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        page.switch_page("pages/classify.py").run()
        fill(page)
        held = state(page)
        assert len(held.workspace.queries) == 1
        return [weakref.ref(held), weakref.ref(held.workspace.queries[0])]

    watched = visit()
    OFFERED.forget_others(())  # as the thread does for sessions that have ended
    until = time.monotonic() + 60  # work begun for the page in the background may still be at its end
    while any(seen() is not None for seen in watched) and time.monotonic() < until:
        gc.collect()
        time.sleep(0.2)
    assert [seen() is None for seen in watched] == [True, True]
