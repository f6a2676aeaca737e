"""Long work of a page: in its own thread, started once, cancelled at once, and polled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fsl.base.errors import DataError, FslError
from fsl.ui.shared import work as module
from fsl.ui.shared.guard import UNEXPECTED
from fsl.ui.shared.work import CancelledError, Latest, ReportProgress, Work, cancel_ended
from tests.helpers.waiting import until

LONG = 10.0


class Steps:
    """A task that goes on by a step each time it is told to, and counts how often it was started."""

    def __init__(self) -> None:
        self.go_on, self.done, self.started = threading.Semaphore(0), 0, 0

    def __call__(self, report: ReportProgress) -> str:
        self.started += 1
        for step in range(4):
            report(step / 4, f"step {step}")
            assert self.go_on.acquire(timeout=LONG)
            self.done += 1
        return "made"


def test_a_result_comes_with_progress_on_the_way() -> None:
    task = Steps()
    work = Work(task)
    task.go_on.release(2)
    until(lambda: work.text == "step 2")
    assert (work.share, work.is_over) == (0.5, False)
    with pytest.raises(CancelledError):
        work.result()
    task.go_on.release(2)
    assert work.wait(LONG)
    assert (work.result(), work.fault, work.is_cancelled) == ("made", "", False)


def test_cancelled_work_ends_at_its_next_report() -> None:
    task = Steps()
    work = Work(task)
    task.go_on.release(1)
    until(lambda: work.text == "step 1")
    work.cancel()
    assert not work.is_over
    task.go_on.release(3)
    assert work.wait(LONG)
    assert (work.is_cancelled, task.done) == (True, 2)
    with pytest.raises(CancelledError):
        work.result()


def test_a_fault_is_told_as_it_is_and_a_surprise_only_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(report: ReportProgress) -> None:
        raise DataError("mine.zip: it is empty")

    def fail(report: ReportProgress) -> None:
        raise ZeroDivisionError("secret detail")

    for task, message in ((refuse, "mine.zip: it is empty"), (fail, UNEXPECTED)):
        work = Work(task)
        assert work.wait(LONG)
        with pytest.raises(FslError, match=f"^{message}$"):
            work.result()
    assert "secret detail" in caplog.text
    assert "mine.zip" not in caplog.text


def test_the_latest_work_is_started_once_and_replaced_for_other_inputs() -> None:
    latest, first, second = Latest[str](), Steps(), Steps()
    work = latest.of("a", first)
    assert latest.of("a", first) is work
    other = latest.of("b", second)
    first.go_on.release(4)
    second.go_on.release(4)
    assert work.wait(LONG)
    assert other.wait(LONG)
    assert work.is_cancelled
    assert latest.result("b", second) == "made"
    assert (first.started, second.started) == (1, 1)


def test_failed_work_is_tried_again_once_its_fault_was_shown() -> None:
    latest, calls = Latest[str](), list[int]()

    def fail_at_first(report: ReportProgress) -> str:
        calls.append(1)
        if len(calls) == 1:
            raise DataError("no connection")
        return "made"

    assert latest.of("a", fail_at_first).wait(LONG)
    with pytest.raises(FslError, match="no connection"):  # by itself the page tries nothing again
        latest.result("a", fail_at_first)
    assert latest.of("a", fail_at_first).wait(LONG)
    assert latest.result("a", fail_at_first) == "made"
    assert len(calls) == 2


def test_work_of_ended_sessions_is_cancelled() -> None:
    tasks = [Steps(), Steps()]
    gone, here = (Work(task) for task in tasks)
    gone.session, here.session = "gone", "here"
    cancel_ended({"here"})
    for task in tasks:
        task.go_on.release(4)
    assert gone.wait(LONG)
    assert here.wait(LONG)
    assert (gone.is_cancelled, here.is_cancelled) == (True, False)


PAGE = """
import streamlit as st
from tests.ui.shared.test_work import TASK
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.work import Latest

st.button("Click", key="click")
latest = st.session_state.setdefault("latest", Latest())
with guarded():
    made = latest.result("inputs", TASK[0])
    st.text("no result yet" if made is None else made)
"""
TASK: list[Callable[[ReportProgress], str]] = []


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """A page with a long task, and another one."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    (tmp_path / "app.py").write_text(PAGE, encoding="utf-8")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "other.py").write_text("import streamlit as st; st.text('other')", encoding="utf-8")
    yield AppTest.from_file(str(tmp_path / "app.py"), default_timeout=LONG)
    TASK.clear()


def test_clicks_and_page_changes_neither_stop_nor_repeat_a_task(page: AppTest) -> None:
    task = Steps()
    TASK.append(task)
    page.run()
    assert page.text[0].value == "no result yet"
    task.go_on.release(1)
    until(lambda: task.done == 1)
    page.button(key="click").click().run()
    page.switch_page("pages/other.py").run()
    assert page.text[0].value == "other"
    task.go_on.release(2)
    until(lambda: task.done == 3)
    page.switch_page("app.py").run()
    assert page.text[0].value == "no result yet"
    assert "step 3" in str(page.get("progress")[0].proto)
    task.go_on.release(1)
    until(lambda: page.session_state["latest"].work.is_over)
    page.run()
    assert page.text[0].value == "made"
    assert (task.started, task.done) == (1, 4)


def test_a_fault_is_shown_on_the_page(page: AppTest) -> None:
    def refuse(report: ReportProgress) -> str:
        raise DataError("it is empty")

    TASK.append(refuse)
    page.run()
    until(lambda: page.session_state["latest"].work.is_over)
    page.run()
    assert page.error[0].value == "it is empty"
    assert not page.exception
