"""The session's memory of changes."""

from __future__ import annotations

import pytest

from fsl.base.errors import DataError
from fsl.data.intake.listing import Problem
from fsl.ui.shared import budget
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import Workspace
from tests.helpers.pages import stored

A, B = stored("a"), stored("b")


def test_undo_brings_back_what_was_taken_away_and_keeps_what_came_since() -> None:
    state = Session()
    filled, _ = state.workspace.with_pictures(0, [A])
    state.change(filled)
    state.change(filled.without_class(0), undo="the class Class 1")
    later, _ = state.workspace.with_class("New").with_pictures(None, [B])
    state.change(later)
    state.bring_back()
    assert [card.name for card in state.workspace.classes] == ["Class 1", "Class 2", "New"]
    assert state.workspace.card(0).pictures == (A,)
    assert state.workspace.queries == (B,)
    state.remove_again()  # as before it was undone
    assert [card.name for card in state.workspace.classes] == ["Class 2", "New"]
    assert not state.history.undone


def test_removals_are_undone_one_by_one_and_done_again() -> None:
    state = Session()
    state.change(state.workspace.with_pictures(0, [A, B])[0])
    state.change(state.workspace.without_picture(0, A.digest), undo="a")
    state.change(state.workspace.renamed(0, "Pears"))
    state.change(state.workspace.without_picture(0, B.digest), undo="b")
    state.change(state.workspace.without_class(1), undo="the class Class 2")
    seen = [state.workspace]
    while state.history.removals:
        state.bring_back()
        seen.append(state.workspace)
    assert [len(one.classes) for one in seen] == [1, 2, 2, 2]
    assert [set(one.card(0).pictures) for one in seen] == [set(), set(), {B}, {A, B}]
    assert state.workspace.card(0).name == "Pears"
    while state.history.undone:
        state.remove_again()
    assert [(card.name, card.pictures) for card in state.workspace.classes] == [("Pears", ())]


def test_pictures_are_brought_back_beside_new_ones() -> None:
    state = Session()
    state.change(state.workspace.with_pictures(0, [A])[0].with_pictures(None, [A])[0])
    state.change(state.workspace.cleared(0), undo="the pictures of Class 1")
    state.change(state.workspace.renamed(0, "Pears").with_pictures(0, [B])[0])
    state.change(state.workspace.without_picture(None, A.digest))  # of no concern to the undo
    state.bring_back()
    assert (state.workspace.card(0).name, state.workspace.card(0).pictures) == ("Pears", (B, A))
    assert state.workspace.queries == ()


def test_another_workspace_in_place_of_all_is_taken_back_as_a_whole() -> None:
    state = Session()
    state.change(state.workspace.with_pictures(0, [A])[0])
    former = state.workspace
    state.change(Workspace((), next_id=2).with_class("Other", [B]), undo="all", replaces=True)
    state.bring_back()
    assert state.workspace.classes == former.classes
    state.remove_again()
    assert [card.name for card in state.workspace.classes] == ["Other"]


def test_the_network_stays_when_one_removal_is_undone_and_done_again() -> None:
    state = Session()
    state.change(state.workspace.with_pictures(0, [A])[0])
    state.change(state.workspace.cleared(0), undo="the pictures of Class 1")
    state.use_network("second")
    state.bring_back()
    assert state.checkpoint == "second"
    state.use_network("third")
    state.remove_again()
    assert state.checkpoint == "third"


def test_what_there_is_no_room_to_bring_back_stays_on_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    state = Session()
    first, second = (stored(name, name.encode() * 2) for name in "kl")
    state.change(state.workspace.with_pictures(0, [first])[0])
    state.change(state.workspace.cleared(0), undo="the pictures of Class 1")
    state.change(state.workspace.with_pictures(0, [second])[0])
    monkeypatch.setattr(budget, "MAX_PICTURES", 1)
    with pytest.raises(DataError, match="nothing was added"):
        state.bring_back()
    assert state.history.removals
    assert state.workspace.card(0).pictures == (second,)


def test_doing_it_again_is_offered_until_something_else_is_done() -> None:
    state = Session()
    state.change(state.workspace.with_pictures(0, [A])[0])
    state.change(state.workspace.cleared(0), undo="the pictures of Class 1")
    state.bring_back()
    assert state.history.undone
    state.change(state.workspace.with_pictures(None, [B])[0])
    assert not state.history  # doing it again would take that away


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


def test_more_than_a_session_may_hold_is_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_PICTURES", 2)
    state = Session()
    first, second, third = (stored(name, name.encode() * 2) for name in "klm")
    state.change(state.workspace.with_pictures(0, [first])[0])
    with pytest.raises(DataError, match="at most 2 pictures together; nothing was added"):
        state.change(state.workspace.with_pictures(None, [second, third])[0])
    assert state.workspace.queries == ()
    monkeypatch.setattr(budget, "MAX_PICTURES", 10)
    monkeypatch.setattr(budget, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="MB together; nothing was added"):
        state.change(state.workspace.with_pictures(None, [stored("large", bytes(200))])[0])
    assert state.workspace.queries == ()


def test_what_could_be_brought_back_counts_and_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_PICTURES", 3)
    state = Session()
    first, second, third, fourth = (stored(name, name.encode() * 2) for name in ("k", "l", "m", "n"))
    state.change(state.workspace.with_pictures(0, [first, second])[0])
    state.change(state.workspace.cleared(0), undo="the pictures of Class 1")
    state.change(state.workspace.with_pictures(0, [third])[0])
    assert state.history  # there is room for three
    state.change(state.workspace.with_pictures(0, [fourth])[0])
    assert not state.history
    assert state.workspace.card(0).pictures == (third, fourth)
