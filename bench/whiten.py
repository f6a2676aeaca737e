"""Whiten the embeddings of a trained checkpoint within classes, and calibrate it anew.

    python -m bench whiten fruits --shrink 0.01
    python -m bench whiten glyphs --shrink 0.1

The whitening (``fsl.twin.whitening``) is fitted on the classes that the network was trained on, as they are
in the recipe of its name, and reduces half of the directions. The head then gets equal weights: ``|e1 - e2|``
counts the same in every direction. Its scale and bias, the rules and the error rates are fitted on the
recipe's validation classes, like those of every run. Data must be in FSL_DATA_DIR. ``--tried`` only prints
the accuracy on the validation classes for several settings; the shrinkages above were chosen by it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench._measure import say
from bench.recalibrate import recalibrated, report
from fsl.config import EpisodeConfig, Rule
from fsl.data.imageset import ImageSet
from fsl.fewshot.evaluate import evaluate
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RECIPES, Recipe, RecipeData
from fsl.twin import checkpoint as checkpoints
from fsl.twin import checkpoint_files
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.header import CheckpointInfo
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

TRIED = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
MOST_WAYS = 20
SHOTS = (1, 5)
RULE: Rule = "mean"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("--checkpoint", help="name or file of the trained network; default: as the recipe")
    parser.add_argument("--shrink", type=float, default=0.1, help="weight of the identity, 0 to 1")
    parser.add_argument("--out", type=Path, help="write here instead of in place")
    parser.add_argument("--tried", action="store_true", help="only compare several shrinkages")
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    path = checkpoint_files.find(options.checkpoint or recipe.name)
    loaded = checkpoints.load(path)
    if loaded.info.model.damped:
        raise SystemExit(f"{path.name} is whitened already; give the network as it was trained.")
    round_weights(loaded.twin)
    sets = [load_images(source, loaded) for source in (recipe.train[0], recipe.validation)]
    features = [embed_images(loaded.twin, images.images) for images in sets]
    if options.tried:
        compare(loaded, sets, features)
        return
    twin = whitened(loaded.twin, features[0], sets[0], options.shrink)
    info = measured(twin, loaded.info, recipe, sets[1], features[1], options.shrink)
    checkpoints.save(options.out or path, twin, info, half=True)


@torch.no_grad()
def round_weights(twin: TwinNetwork) -> None:
    """Round the backbone's weights as they will be stored, so that the file that ships is measured."""
    for weight in twin.backbone.parameters():
        if weight.ndim >= 2:
            weight.copy_(weight.half())


def load_images(source: RecipeData, loaded: Checkpoint) -> ImageSet:
    images, problems = load_recipe((source,), loaded.info.model)
    report(problems)
    say(f"{source.data} {source.classes}: {len(images):,} images of {images.n_classes} classes")
    return images


def whitened(twin: TwinNetwork, features: torch.Tensor, data: ImageSet, shrink: float) -> TwinNetwork:
    """Return the network with a whitening fitted to ``features`` of ``data``, and a head of equal weights."""
    config = replace(twin.config, damped=twin.embedding_dim // 2)
    new = TwinNetwork(config).eval().requires_grad_(False)
    new.backbone.load_state_dict(twin.backbone.state_dict())
    new.whitening.fit([(features.numpy(), data.labels)], [1.0], shrink)
    new.whitening.directions.copy_(new.whitening.directions.half())
    return new


def measured(
    twin: TwinNetwork,
    info: CheckpointInfo,
    recipe: Recipe,
    data: ImageSet,
    features: torch.Tensor,
    shrink: float,
) -> CheckpointInfo:
    """Fit the head's scale and bias to validation images, in place; return the header with a calibration."""
    source = recipe.validation
    whole = Checkpoint(twin, replace(info, model=twin.config), digest="")
    info = recalibrated(whole, [f"{source.data}:{source.classes}"], pairs_only=False, head_too=True)
    command = f"python -m bench whiten {recipe.name} --shrink {shrink}"
    return replace(
        info,
        training={**info.training, "then": command},
        metrics=accuracies(twin, twin.whitening(features), data, command),
    )


def accuracies(twin: TwinNetwork, embeddings: torch.Tensor, data: ImageSet, command: str) -> dict[str, Any]:
    """Return and print the accuracy on validation classes, as entries of a header's metrics."""
    results = {}
    n_way = min(MOST_WAYS, data.n_classes)
    for n_shot in SHOTS:
        config = EpisodeConfig(n_way, n_shot, n_episodes=1000)
        result = evaluate(twin, embeddings, data.labels, config, RULE)
        key = f"validation {n_way}-way {n_shot}-shot"
        results[key] = {
            "accuracy": round(result.accuracy, 4),
            "ci95": round(result.episode_ci95 or 0.0, 4),
            "command": command,
        }
        say(f"{key}: {results[key]}")
    return results


def compare(loaded: Checkpoint, sets: list[ImageSet], features: list[torch.Tensor]) -> None:
    """Print the accuracy on validation classes as trained, and whitened with each shrinkage tried."""
    say("as trained")
    accuracies(loaded.twin, features[1], sets[1], "")
    for shrink in TRIED:
        twin = whitened(loaded.twin, features[0], sets[0], shrink)
        say(f"shrinkage {shrink}")
        accuracies(twin, twin.whitening(features[1]), sets[1], "")
