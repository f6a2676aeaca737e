"""What the Train page remembers of a browser session besides its settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.work import Latest, Work

if TYPE_CHECKING:
    from fsl.training.estimate import Estimate
    from fsl.training.lr_range import RangePoint
    from fsl.training.preview import BatchPreview

_REMEMBERED = 4


@dataclass
class TrainingState(TabState):
    """Choices that no single widget holds, and results of this page.

    Attributes:
        shown_next: runs to show from the next run of the whole page on, as an action on a run chose them;
            None for no change. A click on a run draws the runs alone, without the choice of the runs.
        asked: run whose network answers in the batch panel; None before a person chooses one.
        fetch: data set that a person asked to download for the batch panel, "" for none.
        pairs_drawn: how often other pairs were asked for.
        clock: seconds between two drawings of the runs; None if none is live.
        names: names that networks were kept under, by run id and batches done.
        range_test: latest learning-rate range test; None before the first one.
        estimate: work on the estimate of how long a run takes.
        batch: work on the batch in the batch panel; None as its result if there are no pictures for it.
        memo: the latest results of the page.
    """

    shown_next: list[str] | None = None
    asked: str | None = None
    fetch: str = ""
    pairs_drawn: int = 0
    clock: float | None = None
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    range_test: Work[list[RangePoint]] | None = None
    estimate: Latest[Estimate] = field(default_factory=Latest)
    batch: Latest[BatchPreview | None] = field(default_factory=Latest)
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED))

    def copied(self) -> TrainingState:
        """Return a copy for another tab, without the work that is under way."""
        names = dict(self.names)
        return replace(self, names=names, range_test=None, estimate=Latest(), batch=Latest())

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.memo, self.batch = Memo(_REMEMBERED), Latest()


training_state = per_session("few_shot_lab_training", TrainingState)
"""The Train page's state of this browser session."""
