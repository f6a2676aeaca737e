"""A click on a link counts although the page that is left asks for runs by itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from fsl.ui.server import page_changes

CLICK = RerunData(page_script_hash="classify", widget_states=WidgetStates())
CLOCK = RerunData(page_script_hash="home", widget_states=WidgetStates(), fragment_id="f", is_auto_rerun=True)
COMPONENT = RerunData(page_script_hash="home", widget_states=WidgetStates(), fragment_id="f")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pages of the requests that a session takes."""
    pages: list[str] = []
    monkeypatch.setattr(
        AppSession, "request_rerun", lambda session, state: pages.append(state.page_script_hash)
    )
    monkeypatch.setattr(ScriptRequests, "request_rerun", ScriptRequests.request_rerun)
    page_changes.keep_page_changes()
    return pages


def page_after(*asked: RerunData) -> str:
    requests = ScriptRequests()
    assert all(requests.request_rerun(one) for one in asked)
    request = requests.on_scriptrunner_ready()
    assert request.rerun_data.fragment_id_queue == []
    return request.rerun_data.page_script_hash


def test_neither_a_clock_nor_a_component_nor_a_rerun_takes_a_click_back(
    taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert page_after(CLICK, CLOCK) == page_after(CLOCK, CLICK) == "classify"
    assert page_after(CLICK, COMPONENT) == page_after(COMPONENT, CLICK) == "classify"
    other = RerunData(page_script_hash="compare", widget_states=WidgetStates())
    assert page_after(CLICK, other) == "compare"

    script = SimpleNamespace(page_script_hash="home")
    monkeypatch.setattr(page_changes, "get_script_run_ctx", lambda **_: script)
    assert page_after(CLICK, RerunData(page_script_hash="home")) == "classify"  # st.rerun
    click_at_home = RerunData(page_script_hash="home", widget_states=WidgetStates())
    switch = RerunData(page_script_hash="map")
    assert page_after(click_at_home, switch) == "map"  # st.switch_page


def test_a_clock_of_the_page_before_is_not_heard(taken: list[str]) -> None:
    session = SimpleNamespace(page_script_hash="classify")
    for page, is_clock in (("home", True), ("home", False), ("classify", True)):
        state = ClientState(page_script_hash=page, is_auto_rerun=is_clock)
        AppSession.request_rerun(session, state)  # type: ignore[arg-type]
    assert taken == ["home", "classify"]
