"""How a visitor looks at the answers of the Classify page, and the answers before the last lesson."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut
    from fsl.ui.shared.workspace import ClassCard


@dataclass(frozen=True, eq=False)
class Lesson:
    """Examples that were added to the classes, and how things stood before.

    Attributes:
        n_examples: number of pictures added.
        self_check: the leave-one-out result before; None if no class had two pictures.
        answers: name of the answered class by the query's digest, None for unknown.
        classes: the classes right after; the lesson is told as long as they have not changed.
    """

    n_examples: int
    self_check: LeaveOneOut | None
    answers: Mapping[str, str | None]
    classes: tuple[ClassCard, ...]


@dataclass
class AnswerView:
    """What the list of answers shows.

    Attributes:
        chosen: filter, order and search as they were last; another choice starts at the first answer.
        page: number of the page, counted from 0.
        seen: number of the last event of the list that was taken over.
        is_spreading: whether the near copies of the chosen picture are shown.
        lesson: the last examples that were added; None if there are none.
    """

    chosen: tuple[str, str, str] = ("all", "dropped", "")
    page: int = 0
    seen: int = 0
    is_spreading: bool = False
    lesson: Lesson | None = None
