"""What the form of the Train page is set to, and the runs that it comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fsl.base.errors import DataError, SettingsError
from fsl.config import ModelConfig, TrainConfig
from fsl.ui.pages.training.data import data_of_run
from fsl.ui.pages.training.settings import SCRATCH
from fsl.ui.pages.training.split import Split
from fsl.ui.shared import core
from fsl.ui.shared.resources import Choice, choices, find_choice, load_checkpoint
from fsl.ui.shared.run_labels import learning_rate_text
from fsl.ui.shared.visitor import visitor

if TYPE_CHECKING:
    from fsl.training.manager import RunPlan
    from fsl.twin.network import TwinNetwork


@dataclass(frozen=True)
class TrainRequest:
    """What the form is set to.

    Attributes:
        data: name of a data set, ``fsl.ui.pages.training.data.MINE`` or ``UPLOAD``.
        start: name of a checkpoint, or ``SCRATCH``.
        model: architecture where there is no checkpoint.
        config: settings but for the learning rate.
        rates: learning rates, one run each.
        split: what is held out for testing.
    """

    data: str
    start: str
    model: ModelConfig
    config: TrainConfig
    rates: tuple[float, ...]
    split: Split


def run_plans(request: TrainRequest) -> list[RunPlan]:
    """The runs to start: one per learning rate, alike in everything else.

    Raises:
        SettingsError, DataError, CheckpointError: something is missing or cannot be used.
    """
    if not request.rates:
        raise SettingsError("Choose at least one learning rate.")
    start = starting_network(request.start, request.model)
    data = data_of_run(request.data, request.split, config_of(start), request.config.seed)
    about: dict[str, Any] = {"start": ""}
    if request.start != SCRATCH:
        about = core.inherited(request.start, load_checkpoint(checkpoint_choice(request.start)).info)
    return [
        core.RunPlan(
            replace(request.config, learning_rate=rate),
            start,
            data,
            f"rate {learning_rate_text(rate)}",
            about,
            visitor(),
        )
        for rate in request.rates
    ]


def starting_network(start: str, model: ModelConfig) -> ModelConfig | TwinNetwork:
    """What to train from; the network is shared with other pages and must not be changed.

    Args:
        start: name of an installed network, or ``SCRATCH``.
        model: architecture for the latter.

    Raises:
        DataError, CheckpointError: the network is no longer there, or cannot be read.
    """
    return model if start == SCRATCH else load_checkpoint(checkpoint_choice(start)).twin


def config_of(start: ModelConfig | TwinNetwork) -> ModelConfig:
    """The architecture of what is trained from."""
    return start if isinstance(start, ModelConfig) else start.config


def checkpoint_choice(name: str) -> Choice:
    """The installed network of that name.

    Raises:
        DataError: it is no longer there.
    """
    found = find_choice(name, choices())
    if found is None:
        raise DataError(f"The network {name} is no longer there. Choose another one.")
    return found
