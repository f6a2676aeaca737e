"""Dropped files, read by a page that may be run anew in the midst of it."""

from __future__ import annotations

import threading

import pytest

from fsl.ui.pages.classify import drops
from fsl.ui.pages.classify.drops import go_on_reading
from fsl.ui.shared.budget import Holding
from fsl.ui.shared.state import Reading, Said, Session


class PageRunsAgain(BaseException):
    """As Streamlit's own, which no ``except Exception`` may swallow."""


@pytest.fixture(autouse=True)
def _rerun(monkeypatch: pytest.MonkeyPatch) -> None:
    def again() -> None:
        raise PageRunsAgain

    monkeypatch.setattr(drops.st, "rerun", again)


def test_two_runs_of_the_page_read_each_file_once() -> None:
    """A click that comes while nothing is drawn starts the second run beside the first."""
    is_on, may_end = threading.Event(), threading.Event()
    read: list[str] = []

    def pictures() -> Said:
        is_on.set()
        assert may_end.wait(30)
        read.append("pictures")
        return ["two pictures"], []

    def archive() -> Said:
        read.append("zip")
        return ["a zip"], []

    state = Session()
    state.reading = Reading([pictures, archive], Holding(0, 0))
    outcomes: list[str] = []

    def run() -> None:
        try:
            go_on_reading(state)
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
    assert state.notes == ("two pictures", "a zip")
    assert state.reading is None


def test_what_fails_unexpectedly_is_not_tried_again_and_again() -> None:
    def broken() -> Said:
        raise RuntimeError("broken")

    state = Session()
    state.reading = Reading([broken], Holding(0, 7))
    assert [one.n_bytes for one in state.holdings()] == [7]
    with pytest.raises(RuntimeError):
        go_on_reading(state)
    assert state.reading is None
    go_on_reading(state)
