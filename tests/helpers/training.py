"""A network and settings that train in a moment."""

from __future__ import annotations

import torch
from torch import nn

from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
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
