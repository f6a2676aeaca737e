"""``evaluate``: measure N-way K-shot accuracy on seeded episodes, with a 95% interval.

The interval is that of other classes and images of the same kind. More episodes do not make it narrower; more
images do. In the JSON, ci95_episodes is that of other episodes of the same images, which papers report.

The checkpoint may also be a baseline: ``pixels`` (nearest neighbour by pixels, without a network),
``untrained:NAME`` (that network with random weights) or ``cosine:NAME`` (its backbone with plain cosine).
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

import fsl
from fsl.base.settings import check_range
from fsl.base.text import count, margin_text
from fsl.base.types import IntArray
from fsl.cli.common import (
    add_centre_option,
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    classes_seen,
    load_data,
    progress_bar,
    report_notes,
)
from fsl.cli.output import add_json_option, print_json
from fsl.config import FEW_SHOTS, RULES, EpisodeConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.answers import Answers, Contender, draw_open_set, stream_answers
from fsl.fewshot.baselines import baseline, is_baseline
from fsl.fewshot.episodes import left_out_text, sample_episodes, too_small
from fsl.fewshot.evaluate import EvaluationResult
from fsl.fewshot.metrics import auroc, reliability
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images, usable
from fsl.twin.test_time_augmentation import embed_as_support


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    add_centre_option(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        "--per-class", type=int, default=0, metavar="N", help="use at most N images of each class"
    )
    parser.add_argument("--way", type=int, default=20, help="classes per episode (default: %(default)s)")
    parser.add_argument("--shot", type=int, default=1, help="support images per class (default: %(default)s)")
    parser.add_argument("--query", type=int, default=1, help="queries per class (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=1000, help="number of tests (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the episodes (default: %(default)s)")
    parser.add_argument(
        "--rule", choices=RULES, help="how a class's support images are combined (default: the checkpoint's)"
    )
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Measure the accuracy over seeded episodes, embedding the images that they ask for, and print it."""
    check_range("--per-class", options.per_class, 0)
    config = EpisodeConfig(options.way, options.shot, options.query, options.episodes, options.seed)
    name = options.checkpoint
    checkpoint = baseline(name, options.device) if is_baseline(name) else fsl.load(name, options.device)
    data = load_data(options, checkpoint.info.model, options.centre, options.per_class)
    sample_episodes(data.labels, replace(config, n_episodes=1))  # fails now if the data has too few images
    left_out = too_small(data.labels, data.class_names, config)
    if left_out:
        report_notes([left_out_text(left_out, data.n_classes, config)])
    seen = classes_seen(checkpoint, data, options.data)
    began = time.perf_counter()
    answers = _answer(_contender(checkpoint, data, options, config), data.labels, config)
    result = answers.result(data.n_classes)
    seconds = time.perf_counter() - began
    if options.json:
        measured = {"seconds": round(seconds, 2), "checkpoint": checkpoint.info.name, "classes_seen": seen}
        print_json(_as_json(result, answers, data.class_names, config, measured))
        return
    interval = margin_text(result.ci95, ".4f")
    level = "95%, " if "±" in interval else ""
    of_all = f"{data.n_classes - len(left_out)} of " if left_out else ""
    print(
        f"{config.n_way}-way {config.n_shot}-shot accuracy {result.accuracy:.4f}{interval} "
        f"({level}{count(config.n_episodes, 'episode')}, {count(len(data), 'image')} of "
        f"{of_all}{data.n_classes} classes, {seconds:.1f} s)"
    )


def _contender(
    checkpoint: Checkpoint, data: ImageSet, options: argparse.Namespace, config: EpisodeConfig
) -> Contender:
    """Return the network with the embeddings that the episodes ask for and the rule to measure it with."""
    twin, (episodes, _) = checkpoint.twin, draw_open_set(data.labels, config)
    rows = episodes.rows
    embeddings = torch.zeros(len(data), twin.embedding_dim)
    with progress_bar("embedding") as progress:
        embeddings[rows] = usable(embed_images(twin, data.images[rows], progress))
    as_support = embeddings
    if options.shot <= FEW_SHOTS and twin.config.support_views > 1:
        shown = np.unique(episodes.support[:, : config.n_way])
        as_support = torch.zeros_like(embeddings)
        with progress_bar("embedding variants") as progress:
            as_support[shown] = embed_as_support(twin, data.images[shown], embeddings[shown], progress)
    info = checkpoint.info
    rule = options.rule or info.rule
    temperature = info.calibration(rule).temperature
    return Contender(info.name, checkpoint.twin, embeddings, rule, temperature, as_support)


def _answer(contender: Contender, labels: IntArray, config: EpisodeConfig) -> Answers:
    with progress_bar("episodes") as progress:
        for (answers,) in stream_answers([contender], labels, config):
            progress(answers.n_episodes, config.n_episodes)
    return answers


def _as_json(
    result: EvaluationResult,
    answers: Answers,
    class_names: Sequence[str],
    config: EpisodeConfig,
    measured: dict[str, Any],
) -> dict[str, Any]:
    per_class = zip(class_names, result.per_class.tolist(), strict=True)
    unknown = answers.unknown_similarity
    return {
        "accuracy": result.accuracy,
        "ci95": result.ci95,
        "ci95_episodes": result.episode_ci95,
        "way": config.n_way,
        "shot": config.n_shot,
        "episodes": config.n_episodes,
        **measured,
        "per_class": {name: None if math.isnan(value) else value for name, value in per_class},
        "confusion": {"classes": list(class_names), "counts": result.confusion.tolist()},
        "episode_accuracy": result.episode_accuracy.tolist(),
        "calibration_error": reliability(answers.confidence, answers.right).error,
        "unknown_auroc": None if unknown is None else auroc(answers.similarity, unknown),
    }
