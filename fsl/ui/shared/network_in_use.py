"""The network that the Classify, Learn and home pages answer with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.ui.shared import core
from fsl.ui.shared.embedding import embed_new
from fsl.ui.shared.resources import Choice, choices, find_choice, load_checkpoint
from fsl.ui.shared.small_tasks import SmallTask
from fsl.ui.shared.state import Session, session

if TYPE_CHECKING:
    from fsl.config import Rule
    from fsl.fewshot.classify import Prediction
    from fsl.twin.checkpoint import Checkpoint


def chosen_network(state: Session, installed: list[Choice]) -> Choice:
    """Return the network chosen on the Classify page, or the default one if that is not installed."""
    return find_choice(state.checkpoint, installed) or installed[0]


def network_in_use() -> Checkpoint:
    """Load the network chosen on the Classify page, or the default one.

    Raises:
        CheckpointError: no network is installed, or its file cannot be read.
    """
    return load_checkpoint(chosen_network(session(), choices()))


def answers(task: SmallTask, rule: Rule | None = None) -> list[Prediction]:
    """Classify the queries of a small task with the network in use.

    Args:
        task: the task.
        rule: how the shots of a class are combined; None for the network's own rule.

    Raises:
        CheckpointError: no network is installed, or its file cannot be read.
    """
    checkpoint = network_in_use()
    support = core.SupportSet.from_classes(task.classes)
    embed_new(checkpoint, [*support.images, *task.queries], _tell_nobody)
    embed_new(checkpoint, support.few, _tell_nobody, as_support=True)
    return core.classify(checkpoint, support, task.queries, rule)


def _tell_nobody(done: object, total: int) -> None:
    """Small tasks need no progress bar."""
