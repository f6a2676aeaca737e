"""The answers as a list to work through: what counts, filters, orders and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fsl.fewshot.classify import LeaveOneOut, Prediction
from fsl.fewshot.label_next import doubts
from fsl.ui.components.answer_list import UNKNOWN, AnswerEvent
from fsl.ui.pages.classify.downloads import as_answered
from fsl.ui.pages.classify.learn import told
from fsl.ui.pages.classify.work_list import (
    PAGE,
    apply_events,
    filtered,
    filters,
    ordered,
    page_of,
    work_answers,
)
from fsl.ui.shared.state import AddedExamples, Session
from fsl.ui.shared.workspace import Workspace
from tests.helpers.pages import stored


def prediction(name: str, apple: float, unknown: bool = False) -> Prediction:
    scores = {"apple": apple, "pear": 1 - apple}
    label = max(scores, key=scores.__getitem__)
    return Prediction(name, label, scores[label], unknown, 0.5, scores, scores, ())


def session(names: Sequence[str] = ("a", "b", "c")) -> Session:
    """Apples and pears, and queries."""
    workspace = Workspace(()).with_class("apple", [stored("x")]).with_class("pear", [stored("y")])
    return Session(workspace.with_class("empty").with_pictures(None, [stored(name) for name in names])[0])


PREDICTIONS = [prediction("a", 0.9), prediction("b", 0.4), prediction("c", 0.8, unknown=True)]


def test_a_persons_word_counts_and_is_told_from_the_networks() -> None:
    state = session()
    ids = [query.digest for query in state.workspace.queries]
    state.change(state.workspace.corrected([ids[0]], 0).corrected([ids[2]], 1))
    answers = work_answers(state.workspace, PREDICTIONS)
    assert [answer.label for answer in answers] == ["apple", "pear", "pear"]
    assert [answer.row.mark for answer in answers] == ["accepted", "", "corrected"]
    assert answers[1].row.bar == 0.6
    assert work_answers(session().workspace, PREDICTIONS)[2].row.note == "closest: 0.80, apple"
    shown = filters(answers, state.workspace)
    assert list(shown.values()) == [
        *("All 3", "unknown 0", "Checked 2", "To check 1"),
        *("apple 1", "pear 2", "empty 0"),
    ]
    state.change(state.workspace.renamed(1, "quince"))
    assert work_answers(state.workspace, [PREDICTIONS[0]] * 3)[2].label == "quince"


def test_a_download_fits_the_answers_that_are_shown() -> None:
    """It may be pressed while the page still computes the answers for other classes or more pictures."""
    drawn = session().workspace
    corrected = drawn.with_pictures(None, [stored("d")])[0].corrected([drawn.queries[0].digest], 1)
    changed = corrected.renamed(0, "quince")
    for latest, label in ((corrected, "pear"), (changed, "apple")):
        found = work_answers(as_answered(drawn, latest), PREDICTIONS)
        assert [answer.label for answer in found] == [label, "pear", None]


def test_filters_search_and_orders() -> None:
    state = session()
    answers = work_answers(state.workspace, PREDICTIONS)

    digests = [query.digest for query in state.workspace.queries]

    def names(show: str, search: str = "", order: str = "dropped") -> str:
        found = filtered(answers, show, search)
        useful = [answer.query.digest for answer in answers[:1]]
        found_doubts = dict(zip(digests, doubts(PREDICTIONS), strict=True))
        return "".join(one.query.name for one in ordered(found, order, found_doubts, useful))

    assert (names("all"), names(str(UNKNOWN)), names("0"), names("1"), names("2")) == (
        "abc",
        "c",
        "a",
        "b",
        "",
    )
    assert (names("checked"), names("open"), names("all", " B ")) == ("", "abc", "b")
    assert names("all", order="doubtful") == "cba"
    assert names("all", order="useful") == "acb"
    state.change(state.workspace.corrected([answers[2].query.digest], 0))
    answers = work_answers(state.workspace, PREDICTIONS)
    assert names("all", order="doubtful") == "bac"
    assert names("open") == "ab"


def test_events_of_the_list_are_taken_over_once_and_nonsense_is_left_out() -> None:
    state = session()
    a, b, c = (query.digest for query in state.workspace.queries)
    sent = [
        AnswerEvent(5, "label", a, 1),
        AnswerEvent(6, "select", b),
        AnswerEvent(7, "label", "gone", 1),
        AnswerEvent(8, "label", c, 99),
        AnswerEvent(9, "label", b, UNKNOWN),
    ]
    apply_events(state, sent)
    assert state.workspace.corrections == {a: 1, b: None}
    assert (state.selected, state.view.seen) == (b, 9)
    apply_events(state, [*sent, AnswerEvent(10, "clear", a), AnswerEvent(11, "turn", "", 1)])
    assert state.workspace.corrections == {b: None}
    assert (state.selected, state.view.page) == ("", 1)


def test_three_thousand_answers_come_in_pages() -> None:
    state = session([str(number) for number in range(3_000)])
    answers = work_answers(state.workspace, [PREDICTIONS[0]] * 3_000)
    state.view.page = 99
    first, shown = page_of(answers, state)
    assert (first, len(shown)) == (3_000 - PAGE, PAGE)
    assert page_of(answers[:3], state) == (0, answers[:3])
    # The one after the last of a page is asked for again and again while a key is held.
    event = AnswerEvent(1, "select", answers[PAGE].query.digest)
    for number in (1, 2, 3):
        apply_events(state, [replace(event, number=number)])
        assert page_of(answers, state)[0] == PAGE
    state.selected = answers[-1].query.digest  # labelled, it may go elsewhere in the order
    assert page_of(answers, state)[0] == PAGE


def test_a_lesson_says_what_it_changed() -> None:
    state = session()
    answers = work_answers(state.workspace, PREDICTIONS)
    before = {
        answer.query.digest: label for answer, label in zip(answers, ("pear", "pear", None), strict=True)
    }
    added = AddedExamples(2, LeaveOneOut(0.5, 4, 2, None), before, state.workspace.classes)
    assert told(added, answers, LeaveOneOut(5 / 6, 6, 5, None)) == (
        "2 examples were added. Of 3 other answers, 1 changed. "
        "Self-check: 50% (2 of 4) before, 83% (5 of 6) now."
    )
