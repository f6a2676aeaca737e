"""A network and settings that train in a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec
from fsl.training.engine import train
from fsl.training.events import Pause, TrainEvent
from fsl.training.run import run_training
from fsl.training.run_data import TrainingData
from fsl.training.run_spec import RunSpec
from fsl.training.state import TrainState
from fsl.twin.network import TwinNetwork, seeded_network

MODEL = ModelConfig(widths=(4, 4, 4, 4), image_size=16)
CONFIG = TrainConfig(
    steps=12,
    learning_rate=1e-2,
    batch_classes=4,
    batch_images=3,
    batch_pairs=8,
    evaluate_every=5,
    evaluation=EpisodeConfig(n_way=20, n_episodes=20),
    report_every=4,
    precision="fp32",
    device="cpu",
    augment=NO_AUGMENTATION,
)


def train_events(
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork | TrainState,
    validation: ImageSet | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    earlier: Sequence[TrainEvent] = (),
) -> Iterator[TrainEvent]:
    """Yield the events of ``train`` without its pauses."""
    for event in train(data, config, start, validation, should_stop, earlier):
        if not isinstance(event, Pause):
            yield event


def run_in(
    folder: Path,
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    *,
    validation: ImageSet | None = None,
    about: Mapping[str, Any] | None = None,
    source: DataSpec | None = None,
    **options: Any,
) -> Iterator[TrainEvent]:
    """Yield the events of ``run_training`` in a folder, without its pauses."""
    spec = replace(RunSpec.of(config, about or {}), source=source)
    for event in run_training(folder, spec, TrainingData(data, validation), start, **options):
        if not isinstance(event, Pause):
            yield event


def dead_network(config: ModelConfig) -> TwinNetwork:
    """Return a plain4 network whose ReLUs are all 0, as after a learning rate that is far too high."""
    twin = seeded_network(config, 0)
    convolutions = [module for module in twin.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        assert convolutions[-1].bias is not None
        convolutions[-1].bias.fill_(-1e3)
        for value in twin.head.parameters():
            value.fill_(0.5)
    return twin
