"""What the Evaluate page remembers of a browser session, under one key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsl.ui.pages.evaluate.job import Job, Pictures
from fsl.ui.shared.holders import Holding
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.sources import Upload
from fsl.ui.shared.tab_memory import TabState

if TYPE_CHECKING:
    from torch import Tensor

_REMEMBERED = 12
_REMEMBERED_BYTES = 256 * 2**20


@dataclass
class EvaluateState(TabState):
    """What the Evaluate page holds besides its settings.

    Attributes:
        upload: what was dropped last.
        drops: how often the drop zones were emptied; part of their keys.
        fault: what was wrong with the last drop, "" for nothing.
        job: the latest evaluation.
        memo: pictures and their embeddings, by what they were made of.
    """

    upload: Upload | None = None
    drops: int = 0
    fault: str = ""
    job: Job | None = None
    memo: Memo = field(default_factory=lambda: Memo(_REMEMBERED, _REMEMBERED_BYTES, _size))

    def forget_notices(self) -> None:
        """Forget what the page says about the last change."""
        self.fault = ""

    def copied(self) -> EvaluateState:
        """Return a copy for another tab, without what is under way."""
        job = copy(self.job) if self.job is not None and self.job.work.is_over else None
        if job is not None:
            job.grids = {name: work for name, work in job.grids.items() if work.is_over}
        return replace(self, job=job)

    def forget_results(self) -> None:
        """Forget what can be computed again; the latest evaluation stays."""
        self.memo = Memo(_REMEMBERED, _REMEMBERED_BYTES, _size)

    def holdings(self) -> Iterator[Holding]:
        """Yield what the visitor's own pictures take of the session's memory."""
        if self.upload is not None:
            yield self.upload.holding


def _size(result: tuple[Pictures, Tensor]) -> int:
    """Return the bytes that thumbnails and embeddings take."""
    pictures, embeddings = result
    return sum(map(len, pictures.thumbnails)) + embeddings.nbytes


evaluate_state = per_session("few_shot_lab_evaluate", EvaluateState)
"""The Evaluate page's state of this browser session."""
