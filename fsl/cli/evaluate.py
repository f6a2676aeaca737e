"""``evaluate``: N-way K-shot accuracy on seeded episodes, with a 95% interval.

The checkpoint may also be one to beat: ``pixels`` (nearest neighbour by pixels, no network),
``untrained:NAME`` (that network with random weights) or ``cosine:NAME`` (its backbone and plain cosine).
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import replace

import fsl
from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.base.types import IntArray
from fsl.cli.common import (
    ProgressBar,
    add_centre_option,
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    add_json_option,
    classes_seen,
    load_data,
    print_json,
)
from fsl.config import FEW_SHOTS, RULES, EpisodeConfig
from fsl.fewshot.answers import Answers, Contender, stream_answers
from fsl.fewshot.baselines import baseline, is_baseline
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.metrics import auroc, reliability
from fsl.twin.inference import embed_images
from fsl.twin.test_time_augmentation import embed_as_support


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_data_options(parser)
    add_centre_option(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        "--per-class", type=int, default=0, metavar="N", help="take N images of each class at most"
    )
    parser.add_argument("--way", type=int, default=20, help="classes per episode (default: %(default)s)")
    parser.add_argument("--shot", type=int, default=1, help="support images per class (default: %(default)s)")
    parser.add_argument("--query", type=int, default=1, help="queries per class (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the episodes (default: %(default)s)")
    parser.add_argument("--rule", choices=RULES, help="how shots are combined (default: the checkpoint's)")
    add_device_option(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Embed every image once, draw the episodes, print the accuracy."""
    if options.per_class < 0:
        raise DataError(f"--per-class is {options.per_class}; it must be 0 or more.")
    config = EpisodeConfig(options.way, options.shot, options.query, options.episodes, options.seed)
    name = options.checkpoint
    checkpoint = baseline(name, options.device) if is_baseline(name) else fsl.load(name, options.device)
    model = checkpoint.info.model
    data = load_data(options, model, options.centre, options.per_class)
    sample_episodes(data.labels, replace(config, n_episodes=1))  # what cannot be asked is refused now
    seen = classes_seen(checkpoint, data, options.data)
    began = time.perf_counter()
    with ProgressBar("embedding") as progress:
        embeddings = embed_images(checkpoint.twin, data.images, progress)
    as_support = embeddings
    if options.shot <= FEW_SHOTS:
        with ProgressBar("seen another way") as progress:
            as_support = embed_as_support(checkpoint.twin, data.images, embeddings, progress)
    rule = options.rule or checkpoint.info.rule
    calibration = checkpoint.info.calibration(rule)
    contender = Contender(
        checkpoint.info.name, checkpoint.twin, embeddings, rule, calibration.temperature, as_support
    )
    answers = _answer(contender, data.labels, config)
    result = answers.result(data.n_classes)
    seconds = time.perf_counter() - began
    if not options.json:
        interval, level = (f" ± {result.ci95:.4f}", "95%, ") if options.episodes > 1 else ("", "")
        print(
            f"{options.way}-way {options.shot}-shot accuracy {result.accuracy:.4f}{interval} "
            f"({level}{count(options.episodes, 'episode')}, {data.n_classes} classes, {seconds:.1f} s)"
        )
        return
    per_class = zip(data.class_names, result.per_class.tolist(), strict=True)
    strangers = answers.unknown_similarity
    print_json(
        {
            "accuracy": result.accuracy,
            "ci95": result.ci95,
            "way": options.way,
            "shot": options.shot,
            "episodes": options.episodes,
            "seconds": round(seconds, 2),
            "checkpoint": checkpoint.info.name,
            "classes_seen": seen,
            "per_class": {name: None if math.isnan(value) else value for name, value in per_class},
            "confusion": {"classes": list(data.class_names), "counts": result.confusion.tolist()},
            "episode_accuracy": result.episode_accuracy.tolist(),
            "calibration_error": reliability(answers.confidence, answers.right).error,
            "unknown_auroc": None if strangers is None else auroc(answers.similarity, strangers),
        }
    )


def _answer(contender: Contender, labels: IntArray, config: EpisodeConfig) -> Answers:
    with ProgressBar("episodes") as progress:
        for (answers,) in stream_answers([contender], labels, config):
            progress(answers.n_episodes, config.n_episodes)
    return answers
