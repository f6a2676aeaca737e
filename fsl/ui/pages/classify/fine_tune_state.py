"""What the Classify page remembers of a fine-tune."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fsl.ui.shared.per_session import per_session
from fsl.ui.shared.tab_memory import TabState
from fsl.ui.shared.work import Latest, Work

if TYPE_CHECKING:
    from fsl.training.estimate import Estimate


@dataclass
class FineTuneState(TabState):
    """The fine-tune of this browser session.

    Attributes:
        estimate: work on how long it would take.
        starting: work that reads the pictures and starts the run; its result is the run's id.
        checkpoint: name of the network that it began with.
        kept: name under which its result was put in place, "" before that.
        seen: id of the run whose end the page has shown, "" for none.
    """

    estimate: Latest[Estimate] = field(default_factory=Latest)
    starting: Work[str] | None = None
    checkpoint: str = ""
    kept: str = ""
    seen: str = ""

    def copied(self) -> FineTuneState:
        """Return a copy for another tab; a run that was started is shown there, too."""
        started = self.starting if self.starting is not None and self.starting.is_over else None
        return replace(self, estimate=Latest(), starting=started)

    def forget_results(self) -> None:
        """Forget what can be computed again."""
        self.estimate = Latest()


_state_of_session = per_session("few_shot_lab_fine_tune", FineTuneState)


def fine_tune_state() -> FineTuneState:
    """Return the state of this browser session."""
    tuning = _state_of_session()
    if tuning.starting is not None and tuning.starting.is_cancelled:  # while nobody looked at the tab
        tuning.starting = None
    return tuning
