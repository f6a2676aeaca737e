"""What a tab gets back, who gets it, and when it is gone."""

from __future__ import annotations

import pytest

from fsl.ui.shared import tab_memory
from fsl.ui.shared.state import Session
from fsl.ui.shared.tab_memory import KEPT, TabMemory, TabState
from fsl.ui.shared.work import Latest
from tests.helpers.pages import stored


class Clock:
    """A clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(tab_memory.time, "monotonic", lambda: self.now)


def holding(name: str, size: int = 1) -> Session:
    state = Session()
    state.change(state.workspace.with_pictures(None, [stored(name, name.encode() * size)])[0])
    return state


def kept(memory: TabMemory, visitor: str, session: str, state: Session) -> str:
    """Keep a state as a new tab; return the tab's secret."""
    secret = memory.recall(visitor, "", session, lambda _: True).secret
    assert memory.keep(visitor, secret, session, {KEPT[0]: state})
    return secret


def test_a_reloaded_tab_gets_the_same_state_back() -> None:
    memory, state = TabMemory(), holding("a")
    secret = kept(memory, "anna", "one", state)
    found = memory.recall("anna", secret, "two", lambda session: session != "one")
    assert found.values == {KEPT[0]: state}
    assert (found.secret, found.from_session) == (secret, "one")
    assert not memory.keep("anna", secret, "one", {})  # the former session has lost it
    assert memory.keep("anna", secret, "two", found.values)


def test_a_duplicated_tab_goes_its_own_way_with_shared_pictures() -> None:
    memory, state = TabMemory(), holding("a")
    secret = kept(memory, "anna", "one", state)
    found = memory.recall("anna", secret, "two", lambda session: True)
    assert found.secret not in ("", secret)
    copy = found.values[KEPT[0]]
    assert isinstance(copy, Session)
    assert copy is not state
    assert copy.workspace is state.workspace
    copy.change(copy.workspace.cleared(None), undo="all")
    copy.drops["queries"] += 1
    assert state.workspace.queries
    assert not state.drops["queries"]


def test_cookie_and_secret_are_both_needed() -> None:
    memory = TabMemory()
    secret = kept(memory, "anna", "one", holding("a"))
    for visitor, told in (("eve", secret), ("anna", "0" * 32), ("anna", "")):
        found = memory.recall(visitor, told, "two", lambda session: False)
        assert not found.values
        assert found.secret not in ("", secret, told)
    assert memory.knows("anna")
    assert not memory.knows("eve")


def test_a_tab_is_forgotten_after_the_time_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, memory = Clock(monkeypatch), TabMemory()
    secret = kept(memory, "anna", "one", holding("a"))
    clock.now += 10 * tab_memory.KEPT_SECONDS
    assert memory.sweep(lambda session: True, {"one"}) == 0  # somebody looks at it
    assert memory.sweep(lambda session: False, {"one"}) == 0
    clock.now += tab_memory.KEPT_SECONDS - 1
    assert memory.sweep(lambda session: False, set()) == 0
    clock.now += 1
    assert memory.sweep(lambda session: False, set()) == 1
    assert not memory.recall("anna", secret, "two", lambda session: False).values


def test_the_tabs_left_longest_make_way(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, memory = Clock(monkeypatch), TabMemory()
    monkeypatch.setattr(tab_memory, "MAX_LEFT_BYTES", 300_000)
    connected = {"one", "two", "three"}
    secrets = {}
    for session in ("one", "two", "three"):
        secrets[session] = kept(memory, session, session, holding(session, 20_000))
    for session in ("two", "one", "three"):
        connected.discard(session)
        clock.now += 1
        memory.sweep(connected.__contains__, connected)
    assert [bool(memory.recall(s, secrets[s], "new", lambda _: False).values) for s in secrets] == [
        True,
        False,
        True,
    ]


def test_results_are_forgotten_once_the_session_is_over_and_answers_can_be_made_again() -> None:
    memory, state = TabMemory(), holding("a")
    secret = kept(memory, "anna", "one", state)
    state.memo.remember("answer", lambda: 1)
    memory.sweep(lambda session: False, {"one"})
    assert "answer" in state.memo
    memory.sweep(lambda session: False, set())
    assert "answer" not in state.memo
    assert memory.recall("anna", secret, "two", lambda session: False).values


def test_what_pages_hold_is_a_state_that_can_be_kept() -> None:
    from fsl.ui.pages.classify.fine_tune_state import FineTuneState
    from fsl.ui.pages.embeddings.state import MapState
    from fsl.ui.pages.evaluate.state import EvaluateState
    from fsl.ui.pages.learn.state import LearnState
    from fsl.ui.pages.training.data import UploadedData
    from fsl.ui.pages.training.state import TrainingState
    from fsl.ui.shared.compare_state import CompareState
    from fsl.ui.shared.data_check import CheckView
    from fsl.ui.shared.settings import ChosenSettings

    kinds = (Session, CompareState, MapState, EvaluateState, TrainingState, UploadedData, LearnState)
    for state in (*(kind() for kind in kinds), ChosenSettings(), FineTuneState(), CheckView("map")):
        assert isinstance(state, TabState)
        copy = state.copied()
        assert type(copy) is type(state)
        shared = [name for name, value in vars(copy).items() if value is getattr(state, name)]
        assert not [name for name in shared if isinstance(getattr(state, name), Latest)]
        state.forget_results()
