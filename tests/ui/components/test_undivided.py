"""An event that comes in the middle of a change waits until the change is made.

``request_rerun`` is what Streamlit does when the browser sends an event: here it comes at the worst moment.
"""

import io

import pytest
from PIL import Image
from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx
from streamlit.testing.v1 import AppTest

from fsl.ui.shared import compare_state


def an_event_comes() -> None:
    context = get_script_run_ctx()
    assert context is not None
    assert context.script_requests is not None
    context.script_requests.request_rerun(RerunData())


def page_with_a_click(is_guarded: bool) -> None:
    import streamlit as st

    from fsl.ui.shared.guard import guarded_callback
    from tests.ui.components.test_undivided import an_event_comes

    def click() -> None:
        an_event_comes()
        st.session_state["clicks"] += 1

    st.session_state.setdefault("clicks", 0)
    st.button("click", key="click", on_click=guarded_callback(click) if is_guarded else click)


@pytest.mark.parametrize("is_guarded", [True, False])
def test_no_event_cuts_a_click_short_and_none_is_lost(is_guarded: bool) -> None:
    page = AppTest.from_function(page_with_a_click, args=(is_guarded,)).run()
    for _ in range(2):
        page.button(key="click").click().run()
    # An unguarded click is lost: should Streamlit ever mend that, this shows that the guard can go.
    assert page.session_state["clicks"] == (2 if is_guarded else 0)


def page_for_dropping() -> None:
    from fsl.ui.pages.compare.sides import show_side
    from fsl.ui.shared.compare_state import compare_state

    show_side(compare_state(), "probes")


def test_a_drop_is_kept_when_a_click_comes_while_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    take_files = compare_state.take_files

    def take_slowly(files: list[tuple[str, bytes]]) -> object:
        an_event_comes()
        return take_files(files)

    monkeypatch.setattr(compare_state, "take_files", take_slowly)
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(buffer, "PNG")
    page = AppTest.from_function(page_for_dropping).run()
    page.file_uploader(key="compare_drop_probes_0").set_value(
        [("a.png", buffer.getvalue(), "image/png")]
    ).run()
    assert not page.exception
    (kept,) = page.session_state["few_shot_lab_compare"].probes
    assert kept.name == "a.png"
    assert page.file_uploader(key="compare_drop_probes_1")
