"""Options of ``train`` and ``lr-range`` that set one field of ``TrainConfig`` each."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, get_args

from fsl.config import (
    FINE_TUNE_VIEWS,
    Device,
    Loss,
    Optimiser,
    Pairing,
    Precision,
    Schedule,
    Trainable,
    TrainConfig,
)


@dataclass(frozen=True)
class _Setting:
    """One option.

    Attributes:
        field: the field of ``TrainConfig`` that it sets.
        help: help text.
        choices: ``Literal`` type of the allowed values; None to allow any number of the field's type.
    """

    field: str
    help: str
    choices: Any = None


_SETTINGS = {
    "--lr": _Setting("learning_rate", "learning rate, the highest of its schedule"),
    "--steps": _Setting("steps", "batches to train"),
    "--seed": _Setting("seed", "seed of weights, batches and augmentation"),
    "--pairing": _Setting("pairing", "random pairs as in the article, or all pairs of a batch", Pairing),
    "--loss": _Setting("loss", "loss; the article uses bce", Loss),
    "--margin": _Setting("margin", "margin of the contrastive or triplet loss; 0 for its usual margin"),
    "--trainable": _Setting("trainable", "the layers that learn", Trainable),
    "--cached-views": _Setting(
        "cached_views",
        "views of each image that the frozen layers embed once for the whole run; 0 embeds new ones in every "
        f"batch (with --start and --trainable last or head {FINE_TUNE_VIEWS})",
    ),
    "--schedule": _Setting("schedule", "how the learning rate changes during the run", Schedule),
    "--optimiser": _Setting("optimiser", "optimiser; the article uses adam", Optimiser),
    "--batch-classes": _Setting("batch_classes", "classes in a batch, with --pairing all"),
    "--batch-images": _Setting("batch_images", "images of each class in a batch, with --pairing all"),
    "--batch-pairs": _Setting("batch_pairs", "pairs in a batch, with --pairing random"),
    "--evaluate-every": _Setting("evaluate_every", "batches between tests; 0 for one at the end"),
    "--device": _Setting("device", "where to compute", Device),
    "--precision": _Setting(
        "precision",
        "number format; auto measures whether bf16 is faster here, so name one for a repeatable run",
        Precision,
    ),
    "--snapshots": _Setting(
        "snapshot_images", "number of test images to record embeddings of, for a map that moves"
    ),
}


def add_settings(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> None:
    """Add an option for each setting, without those that the command does not need."""
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
    """Return the settings, changed by the options that were given.

    Raises:
        SettingsError: a value is out of range.
    """
    given = {setting.field: getattr(options, setting.field, None) for setting in _SETTINGS.values()}
    changes = {field: value for field, value in given.items() if value is not None}
    if changes.get("pairing") == "random":
        changes["focus"] = 0.0  # a recipe's, which needs all pairs
    return replace(config, **changes)
