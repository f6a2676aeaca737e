"""What the Classify page keeps for a browser session, and other pages may use."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fsl.base.errors import DataError
from fsl.config import Method
from fsl.data.intake.listing import Problem
from fsl.ui.shared.budget import refuse_beyond_budget
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.undo import History, Removal
from fsl.ui.shared.work import ReportProgress, Work
from fsl.ui.shared.workspace import ClassCard, Workspace, holdings_of

if TYPE_CHECKING:
    from fsl.fewshot.classify import LeaveOneOut

_REMEMBERED = 10  # answers, the same with names, self-check, the former one, comparison, what to label next

QUERIES = "queries"


class Said(NamedTuple):
    """What is to be said about a change.

    Attributes:
        notes: sentences, plain text.
        problems: files that could not be used.
        twice: names of pictures that were there already.
    """

    notes: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    twice: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class DropStep:
    """One part of a drop: a zip, or all pictures dropped with it.

    Attributes:
        start: checks that there is room, and returns the task that reads the files.
        finish: takes over what the task returned; changes the session only at its end.
    """

    start: Callable[[], Callable[[ReportProgress], Any]]
    finish: Callable[[Any], Said]


@dataclass
class PendingDrop:
    """Drops that are still being read.

    Attributes:
        steps: remaining steps.
        holdings: what the dropped files take of the session's memory.
        work: work on the first step; None before it has started.
        lock: held while a step is taken over: after a reload, the page's run from before may not be over yet.
        notes: sentences about the finished steps.
        problems: files of the finished steps that could not be used.
        twice: names of pictures of the finished steps that were there already.
    """

    steps: list[DropStep] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    work: Work[Any] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    def said(self, said: Said) -> None:
        """Add what is to be said about a finished step."""
        self.notes += said.notes
        self.problems += said.problems
        self.twice += said.twice


class JudgedBy(NamedTuple):
    """How pictures are judged; see the attributes of ``Session``."""

    checkpoint: str
    rule: Method | None
    threshold: float | None
    saved_with: str
    together: bool


@dataclass(frozen=True, eq=False)
class AddedExamples:
    """Examples that were added to the classes, and how things stood before.

    Attributes:
        n_examples: number of pictures added.
        self_check: the leave-one-out result before; None if no class had two pictures.
        answers: name of the answered class by the query's digest, None for unknown.
        classes: the classes right after; the page tells of it as long as they have not changed.
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
        goes_to_selected: whether the page is to be the one that holds the selected answer.
        seen: number of the last event of the list that was taken over.
        is_spreading: whether the near copies of the chosen picture are shown.
        added: the last examples that were added; None if there are none.
    """

    chosen: tuple[str, str, str] = ("all", "dropped", "")
    page: int = 0
    goes_to_selected: bool = False
    seen: int = 0
    is_spreading: bool = False
    added: AddedExamples | None = None


@dataclass
class Session(TabState):
    """Everything the Classify page keeps.

    Attributes:
        workspace: classes and queries.
        rule: how shots are combined, or "quick"; None for the checkpoint's best rule.
        threshold: similarity below which the answer is "unknown"; None for the calibrated one.
        checkpoint: name of the checkpoint, "" for the default one.
        checkpoint_digest: sha256 of the checkpoint in use, "" before it is loaded.
        saved_with: sha256 of the checkpoint an opened project was saved with, "" for none.
        together: whether all queries say where the classes lie (``fsl.fewshot.together``).
        selected: digest of the query whose details are shown.
        history: removals that can be undone, step by step.
        notes: sentences about the last change, plain text.
        problems: files of the last drop that could not be used.
        pending: drops that are still being read; None if there are none.
        drops: how often each drop zone was emptied; part of its key, so that it becomes a new widget.
        shown: number of thumbnails (by place) or classes shown, where it is not the default.
        examples: number of examples loaded so far; the seed of the next one.
        example: the workspace made by an example; a dropped folder replaces it while it is unchanged.
        memo: the latest results of the page.
        view: what the list of answers shows.
    """

    workspace: Workspace = field(default_factory=Workspace.fresh)
    rule: Method | None = None
    threshold: float | None = None
    checkpoint: str = ""
    checkpoint_digest: str = ""
    saved_with: str = ""
    together: bool = False
    selected: str = ""
    history: History[Workspace, JudgedBy] = field(default_factory=History)
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    pending: PendingDrop | None = None
    drops: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    shown: dict[str, int] = field(default_factory=dict)
    examples: int = 0
    example: Workspace | None = None
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))
    view: AnswerView = field(default_factory=AnswerView)

    def change(self, workspace: Workspace, undo: str = "", replaces: bool = False) -> None:
        """Replace the workspace by a changed one.

        Args:
            workspace: the new workspace.
            undo: what the change removes ("the class Apple"); it can be undone unless there is no room for
                both.
            replaces: whether the new workspace is unrelated to the former one.

        Raises:
            DataError: there is no room for it; nothing is changed then.
        """
        if undo:
            removal = Removal(undo, self.workspace, None if replaces else workspace, self._judged_by)
            self._take_over(workspace, self.history.with_removal(removal))
        else:
            self._take_over(workspace, self.history.with_change())

    def replace_all(self, workspace: Workspace) -> None:
        """Replace the workspace by an unrelated one; this can be undone.

        Raises:
            DataError: there is no room for it; nothing is changed then.
        """
        self.change(workspace, undo="" if self.workspace.is_empty else "your former pictures", replaces=True)
        self.shown.clear()
        self.selected = ""

    def _take_over(self, workspace: Workspace, history: History[Workspace, JudgedBy]) -> None:
        while True:
            try:
                refuse_beyond_budget(self, holdings_of([workspace, *history.contents()]))
                break
            except DataError:
                if not history:
                    raise
                history = history.without_oldest()
        self.history = history
        # Never reuse an id: the widget of a new class would show the value of a deleted one.
        next_id = max(workspace.next_id, self.workspace.next_id)
        self.workspace = replace(workspace, next_id=next_id)
        self.example = None

    def holdings(self) -> Iterator[Holding]:
        """Return what the pictures take of the session's memory."""
        yield from self.lasting()
        yield from holdings_of(self.history.contents())

    def lasting(self) -> Iterator[Holding]:
        """Return the same without what is kept only for undo."""
        yield from self.workspace.holdings()
        if self.pending is not None:
            yield from self.pending.holdings

    def forget_undo(self) -> None:
        """Drop what is kept for undo, because another page needs the room."""
        self.history = History()

    def bring_back(self) -> None:
        """Undo the latest removal and keep all later changes; call it again for the one before.

        If everything was replaced, the network and its settings come back, too.
        """
        if self.history.removals:
            self._restore(*self.history.undo(self.workspace, self._judged_by, Workspace.with_back))

    def remove_again(self) -> None:
        """Do again what was undone last."""
        if self.history.undone:
            self._restore(*self.history.redo(self._judged_by))

    @property
    def _judged_by(self) -> JudgedBy:
        return JudgedBy(self.checkpoint, self.rule, self.threshold, self.saved_with, self.together)

    def _restore(
        self, workspace: Workspace, judged_by: JudgedBy, history: History[Workspace, JudgedBy]
    ) -> None:
        self._take_over(workspace, history)
        self.checkpoint, self.rule, self.threshold, self.saved_with, self.together = judged_by
        self.report()

    def forget_notices(self) -> None:
        """Forget what the page says about the last change."""
        self.report()

    def copied(self) -> Session:
        """Return a copy for another tab, without drops that are being read."""
        return replace(
            self, drops=self.drops.copy(), shown=dict(self.shown), pending=None, view=replace(self.view)
        )

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo = Memo(_REMEMBERED)

    def use_network(self, name: str) -> None:
        """Switch to another network, with its own rule and limit."""
        self.checkpoint = name
        self.threshold = self.rule = None
        self.saved_with = ""

    def report(self, *notes: str, problems: tuple[Problem, ...] = ()) -> None:
        """Replace the notes about the last change."""
        self.notes, self.problems = notes, problems


session = per_session("few_shot_lab", Session)
"""The state of this browser session."""
