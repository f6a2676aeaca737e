"""Settings of the Embeddings page, except its pictures and networks."""

from __future__ import annotations

from typing import Literal

from fsl.ui.shared.settings import Setting

MOVING = Setting(
    "map_mode",
    "What to look at",
    False,
    options={False: "Pictures by a network", True: "A network while it learns"},
)
CHECKING = Setting(
    "map_checking",
    "Check the pictures",
    False,
    "Finds copies, labels that are likely wrong, and pictures unlike their class, by the first network.",
)
RUNS: Setting[list[str]] = Setting("map_runs", "Training runs", [])
WORDS = Setting("map_search", "Find a class or a file", "")
_TSNE: Literal["tsne", "pca"] = "tsne"
METHOD = Setting(
    "map_method",
    "Arrange by",
    _TSNE,
    "t-SNE keeps each picture next to those most similar to it; the size of groups and the gaps between them "
    "mean little. PCA is a shadow of the whole: gaps mean something, but groups may hide behind one another.",
    options={"tsne": "Neighbours together (t-SNE)", "pca": "Main directions (PCA)"},
)
_LEARNED: Literal["learned", "euclidean"] = "learned"
METRIC = Setting(
    "map_metric",
    "Distance",
    _LEARNED,
    "The network's own judgement gives more weight to what it learned to be important; the straight line "
    "gives all numbers of an embedding the same weight. Where the two maps differ, the weights matter.",
    options={"learned": "The network's own judgement", "euclidean": "Straight line between embeddings"},
)
DIMENSIONS = Setting("map_dimensions", "Dimensions", 2, options={2: "2-D: flat", 3: "3-D: drag to turn"})
PERPLEXITY = Setting(
    "map_perplexity",
    "Perplexity",
    30,
    "About how many neighbours each picture stays close to: low values show small groups, high values the "
    "overall picture. At most a third of the other pictures is used.",
    (5, 100, 5),
)
ITERATIONS = Setting(
    "map_iterations",
    "Iterations",
    1000,
    "More iterations give t-SNE longer to settle.",
    (250, 3000, 250),
)
SEED = Setting(
    "map_seed",
    "Seed",
    0,
    "Another seed gives another start. What stays the same is real.",
    (0, 9999, 1),
)
