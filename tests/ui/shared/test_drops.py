"""Drops on the Classify page, taken over by runs of the page that overlap."""

from __future__ import annotations

import threading

import pytest

from fsl.ui.pages.classify import drops
from fsl.ui.pages.classify.drops import take_pending
from fsl.ui.shared.guard import UNEXPECTED
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.state import DropStep, PendingDrop, Said, Session
from fsl.ui.shared.work import ReportProgress


class PageRunsAgain(BaseException):
    """As Streamlit's own, which no ``except Exception`` may swallow."""


@pytest.fixture(autouse=True)
def _rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    def again() -> None:
        raise PageRunsAgain

    monkeypatch.setattr(drops.st, "rerun", again)
    monkeypatch.setattr("fsl.ui.shared.work.PATIENCE_SECONDS", 30.0)


def step(read: list[str], name: str, is_on: threading.Event, may_end: threading.Event) -> DropStep:
    """A step that reads one name, and reports it."""

    def task(report: ReportProgress) -> str:
        is_on.set()
        assert may_end.wait(30)
        read.append(name)
        return name

    def finish(found: str) -> Said:
        return Said([found])

    return DropStep(lambda: task, finish)


def test_two_runs_of_the_page_read_and_take_over_each_file_once() -> None:
    """A click that comes while nothing is drawn starts the second run beside the first."""
    is_on, may_end = threading.Event(), threading.Event()
    read: list[str] = []
    state = Session()
    state.pending = PendingDrop([step(read, name, is_on, may_end) for name in ("pictures", "zip")])
    outcomes: list[str] = []

    def run() -> None:
        try:
            take_pending(state)
            outcomes.append("went on")
        except PageRunsAgain:
            outcomes.append("again")

    runs = [threading.Thread(target=run) for _ in range(2)]
    runs[0].start()
    assert is_on.wait(30)
    runs[1].start()
    may_end.set()
    for one in runs:
        one.join(30)
    assert read == ["pictures", "zip"]
    assert sorted(outcomes) == ["again", "went on"]
    assert state.notes == ("pictures", "zip")
    assert state.pending is None


def test_what_fails_unexpectedly_is_told_and_not_tried_again() -> None:
    def broken(report: ReportProgress) -> None:
        raise RuntimeError("broken")

    state = Session()
    state.pending = PendingDrop([DropStep(lambda: broken, lambda found: ([], []))], [Holding(0, 7)])
    assert [one.n_bytes for one in state.holdings()] == [7]
    with pytest.raises(PageRunsAgain):
        take_pending(state)
    assert state.pending is None
    assert state.notes == (UNEXPECTED,)
    take_pending(state)


def test_a_result_that_cannot_be_taken_over_is_not_tried_again() -> None:
    def refuse(found: object) -> Said:
        raise RuntimeError("broken")

    state = Session()
    state.pending = PendingDrop([DropStep(lambda: lambda report: None, refuse)])
    with pytest.raises(RuntimeError):
        take_pending(state)
    assert state.pending is None
