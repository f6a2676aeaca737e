"""A list of many answers that one goes through and corrects by keyboard, mouse or touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

from fsl.ui.components.declare import declare, sent
from fsl.ui.components.media import media_url
from fsl.ui.components.undivided import undivided

_component = declare(
    "answer_list", '<div class="work"></div>', "make.js", "answer_list.js", "tiles.css", "answer_list.css"
)

UNKNOWN = -1
"""Stands for "none of the classes" where a class's id is expected."""


@dataclass(frozen=True)
class AnswerRow:
    """One answer; all text is shown as plain text.

    Attributes:
        id: identifier, unique among all answers.
        src: the picture, a ``data:`` URI or an address.
        name: name of the file.
        title: the answer.
        note: a smaller line, "" for none.
        target: id of the answered class, or ``UNKNOWN``.
        bar: length of a bar, in [0, 1]; None for no bar.
        mark: whether a person accepted or corrected the answer.
    """

    id: str
    src: str
    name: str
    title: str
    note: str
    target: int
    bar: float | None = None
    mark: Literal["", "accepted", "corrected"] = ""


@dataclass(frozen=True)
class AnswerPage:
    """The part of the answers that the list shows.

    Attributes:
        rows: the answers.
        first: place of the first one among all, counted from 0.
        total: number of all answers.
        before: id of the answer before the first one, "" if there is none.
        after: id of the answer after the last one, "" if there is none.
        selected: id of the selected one.
        classes: id and name of each class, in the order of the digit keys.
        seen: number of the last event that was taken over.
    """

    rows: Sequence[AnswerRow]
    first: int
    total: int
    before: str
    after: str
    selected: str
    classes: Sequence[tuple[int, str]]
    seen: int


@dataclass(frozen=True)
class AnswerEvent:
    """What a person did in the list.

    Attributes:
        number: grows from event to event.
        kind: "select" an answer, give it a class ("label"), take that back ("clear"), or "turn" the page.
        id: of the answer; "" when the page is turned.
        target: id of the class, or ``UNKNOWN``; when the page is turned, the number of pages to go.
    """

    number: int
    kind: Literal["select", "label", "clear", "turn"]
    id: str = ""
    target: int = UNKNOWN


def answer_list(
    page: AnswerPage, key: str, label: str, on_events: Callable[[list[AnswerEvent]], None]
) -> None:
    """Show a page of answers.

    Events are repeated until ``page.seen`` says that they were taken over: a quick succession of keys may
    reach the server in one message or in several. The list shows their effect at once.

    Args:
        page: the answers.
        key: key of the widget.
        label: description for screen readers.
        on_events: called with events that are new or were not taken over yet, in their order.
    """
    rows = [asdict(replace(row, src=media_url(row.src))) for row in page.rows]
    _component(
        key=key,
        data={**vars(page), "rows": rows, "label": label},
        on_events_change=partial(_pass_on, key, on_events),
    )


@undivided()
def _pass_on(key: str, on_events: Callable[[list[AnswerEvent]], None]) -> None:
    told = sent(key, "events")
    events = [event for one in told if (event := _event(one))] if isinstance(told, list) else []
    on_events(sorted(events, key=lambda event: event.number))


def _event(told: Any) -> AnswerEvent | None:
    """Return what the browser sent as an event, None if it is none."""
    if not isinstance(told, dict):
        return None
    number, kind, row, target = (told.get(name) for name in ("number", "kind", "id", "target"))
    if type(number) is not int or type(target) is not int or not isinstance(row, str):
        return None
    if kind not in ("select", "label", "clear", "turn"):
        return None
    return AnswerEvent(number, kind, row, target)
