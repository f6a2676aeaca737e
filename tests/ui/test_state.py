"""The session's memory of changes."""

from __future__ import annotations

from fsl.data.listing import Problem
from fsl.ui.state import Session
from fsl.ui.workspace import Workspace
from tests.ui.test_workspace import A


def test_undo_brings_back_what_was_taken_away_once() -> None:
    state = Session()
    filled, _ = state.workspace.with_pictures(0, [A])
    state.change(filled)
    state.change(filled.without_class(0), undo="the class Class 1")
    state.bring_back()
    assert state.workspace.card(0).pictures == (A,)
    assert state.undo is None
    state.bring_back()
    assert state.workspace.card(0).pictures == (A,)


def test_ids_go_on_counting_after_an_undo() -> None:
    state = Session()
    before = state.workspace
    state.change(before.with_class(), undo="nothing")
    state.bring_back()
    assert state.workspace.with_class().classes[-1].id == 3


def test_replacing_everything_keeps_ids_apart() -> None:
    state = Session()
    state.change(Workspace((), next_id=0))
    assert state.workspace.next_id == 2


def test_a_report_replaces_the_last_one() -> None:
    state = Session()
    state.report("one", problems=(Problem("a", "b"),))
    state.report("two")
    assert state.notes == ("two",)
    assert state.problems == ()


def test_sessions_share_nothing() -> None:
    first, second = Session(), Session()
    first.drops["queries"] += 1
    first.shown["queries"] = 5
    assert not second.drops
    assert not second.shown
