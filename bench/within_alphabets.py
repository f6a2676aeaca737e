"""Measure accuracy within each alphabet that was not trained on; ``glyphs`` was chosen by it.

    python -m bench within_alphabets [--checkpoint NAME|FILE] [--list val]

An episode has up to 20 characters of one alphabet, like Omniglot's published runs, which had no part in any
choice. Omniglot must be in FSL_DATA_DIR.
"""

from __future__ import annotations

import argparse

import numpy as np

import fsl
from fsl.config import EpisodeConfig
from fsl.fewshot.evaluate import evaluate
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RecipeData
from fsl.twin.inference import embed_images

N_EPISODES = 500
LARGEST_N_WAY = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="glyphs", metavar="NAME|FILE")
    parser.add_argument(
        "--list", default="val", help="list of alphabets in the split file (default: %(default)s)"
    )
    options = parser.parse_args()
    checkpoint = fsl.load(options.checkpoint)
    twin = checkpoint.twin
    data = load_recipe((RecipeData("omniglot", options.list),), checkpoint.info.model)[0]
    embeddings = embed_images(twin, data.images)
    alphabet_of = np.array([name.partition("/")[0] for name in data.class_names])
    accuracies = []
    for alphabet in np.unique(alphabet_of):
        classes = np.flatnonzero(alphabet_of == alphabet)
        rows = np.flatnonzero(np.isin(data.labels, classes))
        config = EpisodeConfig(min(LARGEST_N_WAY, len(classes)), n_episodes=N_EPISODES)
        result = evaluate(twin, embeddings[rows], data.labels[rows], config, "mean")
        accuracies.append(result.accuracy)
        print(f"{alphabet}\t{config.n_way}-way\t{result.accuracy:.4f} ± {result.episode_ci95:.4f}")
    print(f"mean over {len(accuracies)} alphabets\t{np.mean(accuracies):.4f}")
