"""``evaluate``: N-way K-shot accuracy on seeded episodes, with a 95% interval."""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import fsl
from fsl.cli.common import Progress, add_centre_option, add_data_options, load_data, print_json
from fsl.config import RULES, EpisodeConfig
from fsl.fewshot.evaluate import evaluate
from fsl.twin.inference import embed_images


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate", help="how good is a checkpoint?", description=__doc__
    )
    add_data_options(parser)
    add_centre_option(parser)
    parser.add_argument("--checkpoint", required=True, metavar="NAME|FILE")
    parser.add_argument("--way", type=int, default=20, help="classes per episode (default: %(default)s)")
    parser.add_argument("--shot", type=int, default=1, help="support images per class (default: %(default)s)")
    parser.add_argument("--query", type=int, default=1, help="queries per class (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the episodes (default: %(default)s)")
    parser.add_argument("--rule", choices=RULES, help="how shots are combined (default: the checkpoint's)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Embed every image once, draw the episodes, print the accuracy."""
    config = EpisodeConfig(options.way, options.shot, options.query, options.episodes, options.seed)
    checkpoint = fsl.load(options.checkpoint, options.device)
    model = checkpoint.info.model
    data = load_data(options.data, options.part, options.classes, model.image_size, model.fit, options.centre)
    began = time.perf_counter()
    with Progress("embedding") as progress:
        embeddings = embed_images(checkpoint.twin, data.images, progress)
    rule = options.rule or checkpoint.info.rule
    result = evaluate(checkpoint.twin, embeddings, data.labels, config, rule)
    seconds = time.perf_counter() - began
    if not options.json:
        print(
            f"{options.way}-way {options.shot}-shot accuracy {result.accuracy:.4f} ± {result.ci95:.4f} "
            f"(95%, {options.episodes} episodes, {data.n_classes} classes, {seconds:.1f} s)"
        )
        return
    per_class = zip(data.class_names, result.per_class.tolist(), strict=True)
    print_json(
        {
            "accuracy": result.accuracy,
            "ci95": result.ci95,
            "way": options.way,
            "shot": options.shot,
            "episodes": options.episodes,
            "seconds": round(seconds, 2),
            "checkpoint": checkpoint.info.name,
            "per_class": {name: None if math.isnan(value) else value for name, value in per_class},
            "confusion": {"classes": list(data.class_names), "counts": result.confusion.tolist()},
        }
    )
