"""Presets for a run, by name: a person picks one, then changes single settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fsl.config import FINE_TUNE_VIEWS, AugmentConfig, EpisodeConfig, ModelConfig, TrainConfig


@dataclass(frozen=True)
class Preset:
    """Settings that a person can start from.

    Attributes:
        title: name on the page.
        help: one sentence that says what it is for.
        model: architecture, if the run does not start from a checkpoint.
        config: settings of each run; the learning rate comes from ``rates``.
        rates: learning rates to compare, one run each.
        data: key of the pictures to learn from; "" for the classes of the Classify page.
        from_checkpoint: whether to fine-tune a trained network.
    """

    title: str
    help: str
    model: ModelConfig
    config: TrainConfig
    rates: tuple[float, ...]
    data: str = "rendered"
    from_checkpoint: bool = False

    @property
    def batch(self) -> int:
        """Size of a batch: in pairs if they are random, in pictures if all pairs are compared."""
        c = self.config
        return c.batch_pairs if c.pairing == "random" else c.batch_classes * c.batch_images


_SMALL = ModelConfig(backbone="conv4", widths=(32, 32, 32, 32), image_size=32)
_TESTED = TrainConfig(
    steps=150,
    evaluate_every=25,
    evaluation=EpisodeConfig(n_way=5, n_shot=1, n_episodes=200),
    evaluate_first=True,
    report_every=5,
)

PRESETS: dict[str, Preset] = {
    "article": Preset(
        title="The article's lesson",
        help="The same network, data and batches at three learning rates: which of them learns?",
        # No batch norm: with it, Conv-4 learns at almost any rate and the lesson would show nothing.
        model=ModelConfig(backbone="plain4", widths=(32, 32, 32, 32), image_size=32),
        config=replace(_TESTED, pairing="random", batch_pairs=32),
        rates=(1e-4, 1e-3, 0.1),
    ),
    "quick": Preset(
        title="Quick look (30 s)",
        help="One short run. It learns fast, because it compares every picture of a batch with every other.",
        model=_SMALL,
        config=replace(_TESTED, schedule="one-cycle", loss="bce+rank", batch_classes=8, batch_images=4),
        rates=(2e-3,),
    ),
    "fine-tune": Preset(
        title="Fine-tune on my classes",
        help="Continue training one of the app's networks, gently, on your classes from the Classify page.",
        model=ModelConfig(),
        config=replace(
            _TESTED,
            steps=100,
            optimiser="adamw",
            weight_decay=1e-4,
            loss="bce+rank",
            trainable="last",
            batch_classes=8,
            batch_images=2,
            report_every=2,
            cached_views=FINE_TUNE_VIEWS,
            augment=AugmentConfig(rotate=30, zoom=1.2, mirror=True),
        ),
        rates=(1e-4,),
        data="",
        from_checkpoint=True,
    ),
}
