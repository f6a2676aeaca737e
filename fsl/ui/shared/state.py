"""What a browser session holds, kept under one key of our own: widgets' values go when the page changes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st

from fsl.base.errors import DataError
from fsl.config import Method
from fsl.data.intake.listing import Problem
from fsl.ui.shared.budget import Holding, refuse_beyond_budget
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.workspace import Workspace

_REMEMBERED = 3  # the answers, how well the examples recognise one another, and the methods compared

_KEY = "few_shot_lab"
QUERIES = "queries"


@dataclass
class Undo:
    """What can be brought back.

    Attributes:
        what: a change took away; "" for what undoing another change took away.
        workspace: before that change.
        after: right after it; none where the change put another one in place of all.
    """

    what: str
    workspace: Workspace
    after: Workspace | None = None


Said = tuple[Sequence[str], Sequence[Problem]]
"""What there is to say of something done: sentences, and files that could not be used."""


@dataclass
class Reading:
    """What was dropped and is still being read.

    A click breaks the page off wherever it next draws something, in the middle of a drop as well; it then
    runs anew and goes on with the step that was broken off. Until the first run draws something, both run.

    Attributes:
        steps: still to be done; each changes something at its end alone.
        holding: what the dropped files take of the session's memory.
        lock: held by the run that reads.
        notes: of the steps done.
        problems: of the steps done.
    """

    steps: list[Callable[[], Said]]
    holding: Holding
    lock: threading.Lock = field(default_factory=threading.Lock)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass
class Session:
    """Everything the Classify page remembers.

    Attributes:
        workspace: classes and queries.
        rule: how shots are combined, or "quick"; none = as does best with the checkpoint.
        threshold: of "unknown"; none = the checkpoint's calibrated one.
        checkpoint: name of the checkpoint; "" = the default one.
        checkpoint_digest: sha256 of the file of the one in use, "" before it is loaded.
        saved_with: sha256 of the checkpoint that an opened project was saved with.
        selected: digest of the query whose details are shown.
        undo: what can be brought back.
        notes: sentences about the last change, plain text.
        problems: files of the last drop that could not be used.
        reading: what was dropped and is still being read; none for nothing.
        drops: how often each drop zone was emptied; part of its widget's key, so emptying makes a new one.
        shown: how many thumbnails (by place) or classes are shown where not the usual number.
        examples: how many examples were loaded; the seed of the next one.
        example: the workspace as an example made it; still in use, it makes way for a folder.
        memo: the latest results of this page.
    """

    workspace: Workspace = field(default_factory=Workspace.fresh)
    rule: Method | None = None
    threshold: float | None = None
    checkpoint: str = ""
    checkpoint_digest: str = ""
    saved_with: str = ""
    selected: str = ""
    undo: Undo | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    reading: Reading | None = None
    drops: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    shown: dict[str, int] = field(default_factory=dict)
    examples: int = 0
    example: Workspace | None = None
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))

    def change(self, workspace: Workspace, undo: str = "", replaces: bool = False) -> None:
        """Take over a changed workspace.

        Args:
            workspace: the new one.
            undo: what the change takes away ("class Apple"), which can then be brought back, unless there is
                no room for both.
            replaces: whether it is no change of the former workspace, but another one in its place.

        Raises:
            DataError: it holds more than there is room for; nothing is changed then.
        """
        if undo:
            before: Undo | None = Undo(undo, self.workspace, None if replaces else workspace)
        else:  # doing something again would take away what comes now
            before = self.undo if self.undo is not None and self.undo.what else None
        self._take_over(workspace, before)

    def replace_all(self, workspace: Workspace) -> None:
        """Put another workspace in place of this one, which can then be brought back.

        Raises:
            DataError: it holds more than there is room for; nothing is changed then.
        """
        self.change(workspace, undo="" if self.workspace.is_empty else "your former pictures", replaces=True)
        self.shown.clear()
        self.selected = ""

    def _take_over(self, workspace: Workspace, before: Undo | None) -> None:
        new = list(workspace.holdings())
        try:
            refuse_beyond_budget(self, [*new, *(before.workspace.holdings() if before else ())])
        except DataError:
            refuse_beyond_budget(self, new)
            before = None
        self.undo = before
        # Ids are never used twice, so that a widget of a deleted class cannot lend its value to a new one.
        next_id = max(workspace.next_id, self.workspace.next_id)
        self.workspace = replace(workspace, next_id=next_id)
        self.example = None

    def holdings(self) -> Iterator[Holding]:
        """What its pictures take of the session's memory."""
        yield from self.lasting()
        if self.undo is not None:
            yield from self.undo.workspace.holdings()

    def lasting(self) -> Iterator[Holding]:
        """The same without what is kept only to be brought back."""
        yield from self.workspace.holdings()
        if self.reading is not None:
            yield self.reading.holding

    def forget_undo(self) -> None:
        """Keep what can be brought back no longer, as another page needs the room."""
        self.undo = None

    def bring_back(self) -> None:
        """Undo the last change that took something away, but nothing since; or do it again after that."""
        if self.undo is None:
            return
        taken, now = self.undo, self.workspace
        new = taken.workspace if taken.after is None else now.with_back(taken.workspace, taken.after)
        self._take_over(new, Undo("", now) if taken.what else None)
        self.report()

    def use_network(self, name: str) -> None:
        """Decide by another network from now on; a limit and a rule only mean something for the one they
        were chosen with.
        """
        self.checkpoint = name
        self.threshold = self.rule = None
        self.saved_with = ""

    def report(self, *notes: str, problems: tuple[Problem, ...] = ()) -> None:
        """Replace what is said about the last change."""
        self.notes, self.problems = notes, problems


def session() -> Session:
    """This browser session's state."""
    state: Session = st.session_state.setdefault(_KEY, Session())
    return state
