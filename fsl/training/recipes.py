"""Recipes: the data and settings that shipped checkpoints were trained with, by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fsl.config import AugmentConfig, ModelConfig, TrainConfig
from fsl.twin.header import Subject


@dataclass(frozen=True)
class RecipeData:
    """Classes of a named data set.

    Attributes:
        data: the data set's name.
        classes: "train", "val" or "novel", a list in its split file; empty for all classes.
        without: leave out every class whose name contains one of these texts.
        centre: crop the centre of each picture to this share of its sides.
    """

    data: str
    classes: str = ""
    without: tuple[str, ...] = ()
    centre: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """How to train one checkpoint.

    Attributes:
        name: name of the recipe and of the checkpoint.
        title: what the checkpoint is for.
        train: data to train on; ``--data`` may replace the first, main data set by another copy.
        validation: classes to evaluate and calibrate on.
        model: architecture and input.
        config: settings of the run.
        licence: notes on data and weights, for the checkpoint's header.
        subject: what the checkpoint tells apart.
    """

    name: str
    title: str
    train: tuple[RecipeData, ...]
    validation: RecipeData
    model: ModelConfig = field(default_factory=ModelConfig)
    config: TrainConfig = field(default_factory=TrainConfig)
    licence: str = ""
    subject: Subject = "thing"


_CONFIG = TrainConfig(
    schedule="one-cycle",
    optimiser="adamw",
    weight_decay=1e-4,
    pairing="all",
    loss="bce+rank",
    batch_classes=32,
    batch_images=2,
    focus=1.0,
)

FRUITS = Recipe(
    name="fruits",
    title="Fruit and vegetables on a white ground (the article's experiment)",
    train=(
        RecipeData("fruits360", "train"),
        # Photographs of other things make the features more general. Fruit and vegetables that the test or
        # the validation asks about are left out, whatever they are called.
        RecipeData("tiny-imagenet", "train", without=("banana", "pomegranate", "bell-pepper", "cauliflower")),
    ),
    validation=RecipeData("fruits360", "val"),
    model=ModelConfig(backbone="residual", widths=(40, 80, 144, 208), image_size=64, views=8),
    config=replace(
        _CONFIG,
        steps=3000,
        learning_rate=2e-3,
        focus_groups=1,
        evaluate_every=500,
        precision="bf16",  # which "auto" chose when the checkpoint was trained
        augment=AugmentConfig(
            rotate=180,
            zoom=1.3,
            shift=0.06,
            stretch=1.1,
            mirror=True,
            brightness=0.25,
            contrast=0.2,
            tint=0.1,
            recolour=0.5,
        ),
    ),
    licence=(
        "Weights trained from scratch on Fruits-360 (Muresan and Oltean, 2018; MIT) and Tiny ImageNet "
        "(Stanford CS 231N, from ImageNet, for non-commercial research and education)."
    ),
)

GLYPHS = Recipe(
    name="glyphs",
    title="Handwriting and symbols, dark on white",
    train=(RecipeData("omniglot", "train"),),
    validation=RecipeData("omniglot", "val"),
    model=ModelConfig(
        backbone="residual",
        widths=(48, 96, 160, 224),
        image_size=56,
        fit="pad",
        mean=(0.9, 0.9, 0.9),
        std=(0.25, 0.25, 0.25),
        grey=True,
    ),
    config=replace(
        _CONFIG,
        steps=6000,
        learning_rate=2e-3,
        # The test is within one alphabet, so each batch is drawn from two.
        focus_groups=2,
        evaluate_every=500,
        precision="bf16",
        augment=AugmentConfig(
            rotate=12, zoom=1.2, shift=0.08, stretch=1.15, brightness=0, contrast=0, turn=0.5
        ),
    ),
    licence="Weights trained from scratch on Omniglot's background set (Lake et al., 2015; MIT).",
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (FRUITS, GLYPHS)}
