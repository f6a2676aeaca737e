"""Options that set one field of ``TrainConfig`` each; ``train`` and ``lr-range`` have them."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, get_args

from fsl.config import Device, Loss, Optimiser, Pairing, Precision, Schedule, Trainable, TrainConfig


@dataclass(frozen=True)
class _Setting:
    """One option.

    Attributes:
        field: of ``TrainConfig``.
        help: what it is.
        choices: a type of which each value is allowed; none: any number of the field's kind.
    """

    field: str
    help: str
    choices: Any = None


_SETTINGS = {
    "--lr": _Setting("learning_rate", "learning rate, the highest of its schedule"),
    "--steps": _Setting("steps", "batches to train"),
    "--seed": _Setting("seed", "of weights, batches and changes to the images"),
    "--pairing": _Setting("pairing", "random pairs as in the article, or all pairs of a batch", Pairing),
    "--loss": _Setting("loss", "bce is the article's", Loss),
    "--margin": _Setting("margin", "of the contrastive and the triplet loss; 0 for the loss's own"),
    "--trainable": _Setting("trainable", "the layers that learn", Trainable),
    "--schedule": _Setting("schedule", "how the learning rate changes on the way", Schedule),
    "--optimiser": _Setting("optimiser", "adam is the article's", Optimiser),
    "--batch-classes": _Setting("batch_classes", "classes in a batch, with --pairing all"),
    "--batch-images": _Setting("batch_images", "images of each class in a batch, with --pairing all"),
    "--batch-pairs": _Setting("batch_pairs", "pairs in a batch, with --pairing random"),
    "--evaluate-every": _Setting("evaluate_every", "batches between tests; 0 for one at the end"),
    "--device": _Setting("device", "what to compute on", Device),
    "--precision": _Setting(
        "precision",
        "of the numbers; auto measures whether bf16 is quicker, so name one for a run that is to be repeated",
        Precision,
    ),
    "--snapshots": _Setting(
        "snapshot_images", "test images whose embeddings are recorded at each test, for the moving map"
    ),
}


def add_settings(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Add the options.

    Args:
        parser: of a command.
        without: options that mean nothing to it.
    """
    usual = TrainConfig()
    for option, setting in _SETTINGS.items():
        if option in without:
            continue
        default = getattr(usual, setting.field)
        parser.add_argument(
            option,
            dest=setting.field,
            type=type(default),
            choices=get_args(setting.choices) or None,
            help=f"{setting.help} (default: the recipe's, else {default})",
        )


def overridden(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    """The settings with what the options say instead.

    Raises:
        SettingsError: a value is out of range.
    """
    given = {setting.field: getattr(options, setting.field, None) for setting in _SETTINGS.values()}
    return replace(config, **{field: value for field, value in given.items() if value is not None})
