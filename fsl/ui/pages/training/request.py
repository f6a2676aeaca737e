"""What the form asks for, and the training runs that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fsl.base.errors import DataError, SettingsError
from fsl.config import SCRATCH, ModelConfig, TrainConfig
from fsl.training.run_spec import RunSpec
from fsl.ui.pages.training.data import data_of_run
from fsl.ui.pages.training.split import Split
from fsl.ui.shared import core
from fsl.ui.shared.resources import Choice, choices, find_choice, load_checkpoint
from fsl.ui.shared.run_labels import learning_rate_text
from fsl.ui.shared.visitor import visitor

if TYPE_CHECKING:
    from fsl.training.run_plan import RunPlan
    from fsl.twin.network import TwinNetwork


@dataclass(frozen=True)
class TrainRequest:
    """What the form asks for.

    Attributes:
        data: key of a data set, or ``MINE`` or ``UPLOAD`` of ``fsl.ui.pages.training.data``.
        start: name of the network to start from, or ``SCRATCH``.
        model: architecture of a network from scratch.
        config: settings of every run, except the learning rate.
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
    """Return one run for each learning rate; everything else is the same.

    Raises:
        SettingsError: no learning rate is chosen.
        DataError, CheckpointError: pictures or network are missing or cannot be used.
    """
    if not request.rates:
        raise SettingsError("Choose at least one learning rate.")
    start = starting_network(request.start, request.model)
    data = data_of_run(request.data, request.split, config_of(start), request.config.seed)
    spec = RunSpec(request.config, start="")
    if request.start != SCRATCH:
        spec = core.with_start(spec, request.start, load_checkpoint(checkpoint_choice(request.start)).info)
    return [
        core.RunPlan(
            replace(
                spec,
                config=replace(request.config, learning_rate=rate),
                name=f"rate {learning_rate_text(rate)}",
            ),
            start,
            data,
            visitor(),
        )
        for rate in request.rates
    ]


def starting_network(start: str, model: ModelConfig) -> ModelConfig | TwinNetwork:
    """Return the network to train from, which other pages share and nobody may change.

    Args:
        start: name of an installed network, or ``SCRATCH``.
        model: architecture to return for ``SCRATCH``.

    Raises:
        DataError, CheckpointError: the network is no longer installed, or cannot be read.
    """
    return model if start == SCRATCH else load_checkpoint(checkpoint_choice(start)).twin


def config_of(start: ModelConfig | TwinNetwork) -> ModelConfig:
    """Return the architecture of the network to train from."""
    return start if isinstance(start, ModelConfig) else start.config


def checkpoint_choice(name: str) -> Choice:
    """Return the installed network of that name.

    Raises:
        DataError: it is not installed.
    """
    found = find_choice(name, choices())
    if found is None:
        raise DataError(f"The network {name} is no longer installed. Choose another one.")
    return found
