"""The answers as a list to work through: what each picture counts as, filters, orders. No Streamlit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fsl.base.text import percent, similarity_text
from fsl.ui.components.answer_list import UNKNOWN, AnswerEvent, AnswerRow
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import Workspace

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.ui.shared.pictures import StoredPicture

PAGE = 100
"""Answers sent to the browser at a time."""
ALL, CHECKED, OPEN = "all", "checked", "open"
ORDERS = {
    "dropped": "As dropped",
    "doubtful": "Least certain first",
    "useful": "What to label next",
    "name": "By file name",
}


@dataclass(frozen=True, eq=False)
class WorkAnswer:
    """One query with what it counts as.

    Attributes:
        query: the picture.
        prediction: the network's answer.
        target: id of its class, ``UNKNOWN`` for none: what a person said, else the network's answer.
        label: name of that class, None for unknown.
        is_given: whether a person said it.
        is_corrected: whether that differs from the network's answer.
    """

    query: StoredPicture
    prediction: Prediction
    target: int
    label: str | None
    is_given: bool
    is_corrected: bool

    @property
    def nearest(self) -> tuple[str, float]:
        """Name of the most similar class, and the similarity."""
        return max(self.prediction.class_similarity.items(), key=lambda item: item[1])

    @property
    def row(self) -> AnswerRow:
        """The answer as the list shows it."""
        name, similarity = self.nearest
        is_known = self.target != UNKNOWN
        note = f"closest: {similarity_text(similarity)}, {name}"
        if self.is_given:
            note = "corrected" if self.is_corrected else "accepted"
        elif is_known:
            note = percent(self.prediction.probability)
        return AnswerRow(
            self.query.digest,
            self.query.thumbnail,
            self.query.name,
            self.label if self.label is not None else "unknown",
            note,
            self.target,
            self.prediction.probability if is_known and not self.is_given else None,
            "" if not self.is_given else "corrected" if self.is_corrected else "accepted",
        )


def work_answers(workspace: Workspace, predictions: Sequence[Prediction]) -> list[WorkAnswer]:
    """Return what each query counts as, in the order of the queries.

    Args:
        workspace: the classes, the queries and the corrections.
        predictions: the network's answer for each query.
    """
    ids = {card.name: card.id for card in workspace.classes if card.pictures}
    names = {card.id: card.name for card in workspace.classes}
    found = []
    for query, prediction in zip(workspace.queries, predictions, strict=True):
        answered = UNKNOWN if prediction.unknown else ids[prediction.label]
        is_given = query.digest in workspace.corrections
        given = workspace.corrections.get(query.digest)
        target = answered if not is_given else UNKNOWN if given is None else given
        label = None if target == UNKNOWN else names[target]
        found.append(WorkAnswer(query, prediction, target, label, is_given, target != answered))
    return found


def filters(answers: Sequence[WorkAnswer], workspace: Workspace) -> dict[str, str]:
    """Return the choices of what to show, each with the number of its answers."""
    counts = Counter(answer.target for answer in answers)
    n_given = sum(answer.is_given for answer in answers)
    found = {ALL: f"All {len(answers):,}", str(UNKNOWN): f"unknown {counts[UNKNOWN]:,}"}
    found |= {CHECKED: f"Checked {n_given:,}", OPEN: f"To check {len(answers) - n_given:,}"}
    return found | {str(card.id): f"{card.name} {counts[card.id]:,}" for card in workspace.classes}


def filtered(answers: Sequence[WorkAnswer], show: str, search: str) -> list[WorkAnswer]:
    """Return the answers of a filter whose file name contains the words searched for, in any case."""
    words = search.strip().casefold()

    def is_shown(answer: WorkAnswer) -> bool:
        if show == CHECKED:
            return answer.is_given
        if show == OPEN:
            return not answer.is_given
        return show in (ALL, str(answer.target))

    return [one for one in answers if is_shown(one) and words in one.query.name.casefold()]


def ordered(
    answers: Sequence[WorkAnswer], order: str, doubts: Mapping[str, float], useful: Sequence[str]
) -> list[WorkAnswer]:
    """Return the answers in an order of ``ORDERS``; what a person checked comes last among the uncertain.

    Args:
        answers: the answers.
        order: a key of ``ORDERS``.
        doubts: how uncertain the network's answer to each query is, in [0, 1], by digest.
        useful: digests of the queries to label next, the most useful first.
    """
    if order == "name":
        return sorted(answers, key=lambda answer: answer.query.name.casefold())
    if order == "dropped":
        return list(answers)
    rank = {digest: place for place, digest in enumerate(useful)} if order == "useful" else {}

    def key(answer: WorkAnswer) -> tuple[int, bool, float]:
        place = rank.get(answer.query.digest, len(rank))
        return place, answer.is_given, -doubts[answer.query.digest]

    return sorted(answers, key=key)


def apply_events(state: Session, events: Sequence[AnswerEvent]) -> None:
    """Take over what a person did in the list; what is over already, or makes no sense any more, is left out.

    Raises:
        DataError: see ``Session.change``.
    """
    workspace = state.workspace
    held = {query.digest for query in workspace.queries}
    classes = {card.id for card in workspace.classes}
    for event in events:
        if event.number <= state.view.seen:
            continue
        state.view.seen = event.number
        if event.kind == "turn":
            state.view.page = max(0, state.view.page + event.target)
            state.view.goes_to_selected, state.selected = False, ""
        elif event.id not in held:
            continue
        elif event.kind == "select":
            state.view.goes_to_selected, state.selected = True, event.id
            state.view.is_spreading = False
        elif event.kind == "clear":
            workspace = workspace.uncorrected([event.id])
        elif event.target == UNKNOWN or event.target in classes:
            workspace = workspace.corrected([event.id], None if event.target == UNKNOWN else event.target)
    if workspace is not state.workspace:
        state.change(workspace)


def page_of(answers: Sequence[WorkAnswer], state: Session) -> tuple[int, list[WorkAnswer]]:
    """Return the place of the first answer of the page in view, and the answers of that page."""
    if state.view.goes_to_selected:
        digests = [answer.query.digest for answer in answers]
        if state.selected in digests:
            state.view.page = digests.index(state.selected) // PAGE
        state.view.goes_to_selected = False
    last = max(0, len(answers) - 1) // PAGE
    state.view.page = min(state.view.page, last)
    first = state.view.page * PAGE
    return first, list(answers[first : first + PAGE])
