"""Compare ``photos`` with plain cosine of pretrained features, and with a classifier fitted to them.

    python -m bench photos_against_cosine --weights DIR [--checkpoint NAME|FILE] [--out FILE.json]

All answer the same episodes. ``bench/build_photos.py`` says how to get the folder of ``--weights``. The
settings of ``photos`` were chosen on the ``val`` lists, which were then added to its training, so its figures
there are those of its header, measured before. ``novel`` had no part in it and is measured here. The fitted
classifier is a logistic regression on a pretrained network's features, as in tools like Teachable Machine; it
is fitted anew in each of the first 300 episodes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import fsl
from bench._measure import say
from bench.build_photos import MODEL, RULE, SHOTS, episodes_of, weights_file
from bench.lite_weights import load_imagenet_weights
from bench.photos_data import HELD_OUT_IMAGES_PER_CLASS, NOVEL, VALIDATION, load
from fsl.base.types import IntArray
from fsl.config import EpisodeConfig, ModelConfig
from fsl.fewshot.episodes import Episodes, sample_episodes
from fsl.fewshot.evaluate import EvaluationResult, evaluate, summarise
from fsl.fewshot.linear_probe import fit
from fsl.training.recipes import RecipeData
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.test_time_augmentation import embed_as_support

Answer = Callable[[TwinNetwork, Tensor, Tensor, IntArray, EpisodeConfig], EvaluationResult]
COSINE_NAME = "EfficientNet-Lite0, plain cosine"
FITTED_NAME = "EfficientNet-Lite0, a classifier fitted"
N_FITTED = 300
COSINE = ModelConfig(
    backbone="efficientnet_lite0", image_size=224, mean=MODEL.mean, std=MODEL.std, head="cosine"
)


@dataclass(frozen=True)
class Row:
    """One figure: N-way K-shot accuracy in [0, 1] and the half width of its 95% interval."""

    data: str
    network: str
    way: int
    shot: int
    accuracy: float
    ci95: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unpacked .pth files")
    parser.add_argument("--checkpoint", default="photos")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    rows = compare(fsl.load(options.checkpoint), options.weights)
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(row) for row in rows], indent=1)
        options.out.write_text(text + "\n", encoding="utf-8")


def compare(photos: Checkpoint, weights: Path) -> list[Row]:
    """Measure all networks on all data sets.

    Args:
        photos: the checkpoint.
        weights: folder of the unpacked ``.pth`` files.

    Returns:
        for each data set the rows of plain cosine, of the fitted classifier, then of ``photos``; 1 shot, then
        5 shots.

    Raises:
        CheckpointError: the weights are missing.
        DataError: a data set is missing.
    """
    cosine = TwinNetwork(COSINE).eval().requires_grad_(False)
    load_imagenet_weights(cosine.backbone, weights_file(weights, COSINE.backbone))
    rows = []
    for source in VALIDATION:
        plain = measure(cosine, source, {COSINE_NAME: ruled, FITTED_NAME: fitted})
        rows += [*plain, *(_from_header(photos, row) for row in plain[: len(SHOTS)])]
    rows += measure(cosine, NOVEL, {COSINE_NAME: ruled, FITTED_NAME: fitted})
    return rows + measure(photos.twin, NOVEL, {photos.info.name: ruled})


def measure(twin: TwinNetwork, source: RecipeData, ways_to_answer: Mapping[str, Answer]) -> list[Row]:
    """Measure a network on a data set, with each method of answering by its embeddings."""
    data = load(source, HELD_OUT_IMAGES_PER_CLASS, replace(MODEL, image_size=twin.config.image_size))
    embeddings = embed_images(twin, data.images)
    as_support = embed_as_support(twin, data.images, embeddings)
    n_way = min(20, len(np.unique(data.labels)))
    what = f"{source.data} {source.classes}"
    rows = []
    for name, answer in ways_to_answer.items():
        for n_shot in SHOTS:
            result = answer(twin, embeddings, as_support, data.labels, episodes_of(n_way, n_shot))
            rows.append(
                Row(what, name, n_way, n_shot, round(result.accuracy, 4), round(result.episode_ci95, 4))
            )
        say(f"{name}, {what}: done")
    return rows


def ruled(
    twin: TwinNetwork, embeddings: Tensor, as_support: Tensor, labels: IntArray, config: EpisodeConfig
) -> EvaluationResult:
    """Answer by the rule of ``photos``."""
    return evaluate(twin, embeddings, labels, config, RULE, as_support)


def fitted(
    _: TwinNetwork, embeddings: Tensor, as_support: Tensor, labels: IntArray, config: EpisodeConfig
) -> EvaluationResult:
    """Answer by a logistic regression fitted to the support set of each of the first episodes."""
    episodes = sample_episodes(labels, config)
    slots = torch.arange(config.n_way).repeat_interleave(config.n_shot)
    answers = [
        fit(as_support[support.ravel()], slots).probabilities(embeddings[query.ravel()]).argmax(1).numpy()
        for support, query in zip(episodes.support[:N_FITTED], episodes.query[:N_FITTED], strict=True)
    ]
    first = Episodes(*(part[:N_FITTED] for part in (episodes.classes, episodes.support, episodes.query)))
    return summarise(first, np.stack(answers).reshape(first.query.shape), int(labels.max()) + 1)


def _from_header(photos: Checkpoint, row: Row) -> Row:
    told = photos.info.metrics[f"{row.data} {row.way}-way {row.shot}-shot"]
    return replace(row, network=photos.info.name, accuracy=told["accuracy"], ci95=told["ci95"])


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table, 1 shot and 5 shots side by side."""
    lines = ["| data | ways | network | 1-shot | 5-shot |", "|---|---|---|---|---|"]
    for one, five in zip(rows[::2], rows[1::2], strict=True):
        cells = [f"{row.accuracy:.3f} ± {row.ci95:.3f}" for row in (one, five)]
        lines.append(f"| {one.data} | {one.way} | {one.network} | {' | '.join(cells)} |")
    return "\n".join(lines)
