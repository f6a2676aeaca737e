"""The network that the Learn page and the home page show at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.ui.classify.settings import chosen
from fsl.ui.resources import choices, load_checkpoint
from fsl.ui.state import session

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint


def network_in_use() -> Checkpoint:
    """The one chosen on the Classify page, else the default one.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    return load_checkpoint(chosen(session(), choices()))
