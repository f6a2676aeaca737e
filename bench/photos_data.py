"""The labelled photographs that choose the settings of ``photos``, and those that it learns from.

Classes are told from others of the same kind of pictures alone: a batch is drawn from one kind, and
``bench/photos_left_out.py`` leaves out one in turn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from bench._measure import say
from bench.labelled import Halfway
from bench.last_stages import LOOKS, computed
from fsl.config import ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet, concatenate
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RecipeData

# Classes of the kinds among the "novel" fruits are left out of every data set, so that the report is honest.
NOVEL_KINDS = (
    "Anjou",
    "Kaiser",
    "Tomato",
    "Ginger",
    "omegranate",
    "ell-Pepper",
    "bell-pepper",
    "banana",
    "Melon",
    "Cantaloupe",
)
HELD_OUT_IMAGES_PER_CLASS = 20
VALIDATION = tuple(RecipeData(name, "val") for name in ("grocery", "tiny-imagenet", "fruits360"))
NOVEL = RecipeData("fruits360", "novel")


@dataclass(frozen=True)
class Kind:
    """A kind of pictures: its lists of classes with the images per class, and its weight in the covariance.

    There are few images per class, because frames of one film, and photos of one shelf, differ little.
    """

    name: str
    sources: tuple[tuple[RecipeData, int], ...]
    weight: float = 1.0


KINDS = (
    Kind(
        "groceries",
        tuple((RecipeData("grocery", part, without=NOVEL_KINDS), 20) for part in ("train", "val")),
        weight=2.0,
    ),
    Kind("clothes", ((RecipeData("clothing-subset.zip"), 40),)),
    Kind("signing hands", ((RecipeData("sign-digits-subset.zip"), 40),)),
    Kind(
        "Tiny ImageNet",
        tuple(
            (RecipeData("tiny-imagenet", part, without=NOVEL_KINDS), n)
            for part, n in (("train", 10), ("val", 20))
        ),
    ),
    Kind("fruit", ((RecipeData("fruits360", "train"), 10), (RecipeData("fruits360", "val"), 20))),
)

# Clothes and signing hands choose settings, but the network that ships does not learn from them: they show
# what it does with kinds of pictures that it has never met.
LEARNED_KINDS = tuple(kind for kind in KINDS if kind.name in ("groceries", "Tiny ImageNet", "fruit"))


def val_classes(kind: Kind) -> list[str]:
    """Return the names of the classes of a kind's ``val`` list."""
    lists = (source for source, _ in kind.sources if source.classes == "val")
    return [name for source in lists for name in open_source(source.data).class_list("val")]


def load(source: RecipeData, per_class: int, model: ModelConfig) -> ImageSet:
    """Load a data set: at most ``per_class`` images of each class, evenly spaced in their order."""
    data = load_recipe((_located(source),), model)[0]
    rows_of = [np.flatnonzero(data.labels == label) for label in range(data.n_classes)]
    rows = np.concatenate(
        [r[np.linspace(0, len(r) - 1, min(per_class, len(r))).astype(int)] for r in rows_of]
    )
    return data.rows(rows)


def _located(source: RecipeData) -> RecipeData:
    """Return the source; the name of a zip is completed to its path in the folder of the data sets."""
    if not source.data.endswith(".zip"):
        return source
    return replace(source, data=str(Path(os.environ.get("FSL_DATA_DIR", ".")) / source.data))


def halfway_of(
    backbone: nn.Module,
    kind: Kind,
    model: ModelConfig,
    folder: Path | None = None,
    n_looks: int = LOOKS,
    most: int = 0,
) -> Halfway:
    """Return what the frozen stages return for a kind's images and their augmented copies.

    Args:
        backbone: with the weights of ImageNet.
        kind: the images.
        model: the settings of the network.
        folder: it is read from there if that many looks are kept, or computed and written there; None to
            compute it.
        n_looks: how many looks at each image are computed, the unchanged one included.
        most: images per class, if fewer than those of the kind; 0 for no such limit.
    """
    file = folder / f"{kind.name}.pt" if folder else None
    if file and file.exists() and len((kept := Halfway.kept(file)).maps) >= n_looks:
        return kept
    data = concatenate([load(source, min(n, most or n), model) for source, n in kind.sources])
    say(f"{kind.name}: {len(data)} images of {data.n_classes} classes")
    found = computed(backbone, data, model, n_looks)
    if file:
        found.keep(file)
    return found
