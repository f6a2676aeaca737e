"""A network and settings that train in a moment."""

from __future__ import annotations

from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig

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
