"""The network that the Learn page and the home page show at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.ui.pages.classify.settings import chosen
from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE, choices, load_checkpoint
from fsl.ui.shared.small_tasks import SmallTask
from fsl.ui.shared.state import session

if TYPE_CHECKING:
    from fsl.config import Rule
    from fsl.fewshot.classify import Prediction
    from fsl.twin.checkpoint import Checkpoint


def network_in_use() -> Checkpoint:
    """The one chosen on the Classify page, else the default one.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    return load_checkpoint(chosen(session(), choices()))


def answers(task: SmallTask, rule: Rule | None = None) -> list[Prediction]:
    """What the network says about each query of a task.

    Args:
        task: any.
        rule: how shots are combined; none = the network's own.

    Raises:
        CheckpointError: there is no network, or it cannot be read.
    """
    checkpoint = network_in_use()
    with COMPUTE:
        return core.classify(checkpoint, core.SupportSet.from_classes(task.classes), task.queries, rule)
