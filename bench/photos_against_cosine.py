"""``photos`` against plain cosine similarity of the pretrained features, on the same images and episodes.

    python -m bench photos_against_cosine --weights DIR [--checkpoint NAME|FILE] [--out FILE.json]

Prints a table in Markdown. ``--weights`` is the folder that ``bench/build_photos.py`` tells how to get. Lists
named ``val`` chose the settings of ``photos`` and, after it was measured on them, taught it: its figures
there are those of its header. ``novel`` had no part in it and is measured here.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import fsl
from bench.build_photos import (
    HELD_OUT_IMAGES_PER_CLASS,
    MODEL,
    NOVEL,
    RULE,
    SHOTS,
    VALIDATION,
    episodes_of,
    load,
    say,
    weights_file,
)
from bench.lite_weights import load_imagenet_weights
from fsl.config import ModelConfig
from fsl.fewshot.evaluate import evaluate
from fsl.training.recipes import Source
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

COSINE_NAME = "EfficientNet-Lite0, plain cosine"
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
    """All figures, for a table of results to take its rows from.

    Args:
        photos: the checkpoint.
        weights: folder of the unpacked ``.pth`` files.

    Returns:
        for each data set the rows of plain cosine, then those of ``photos``; 1 shot, then 5.

    Raises:
        CheckpointError: the weights are not there.
        DataError: a data set is not there.
    """
    cosine = TwinNetwork(COSINE).eval().requires_grad_(False)
    load_imagenet_weights(cosine.backbone, weights_file(weights, COSINE.backbone))
    rows = []
    for source in VALIDATION:
        plain = measure(COSINE_NAME, cosine, source)
        rows += [*plain, *(_from_header(photos, row) for row in plain)]
    for name, twin in ((COSINE_NAME, cosine), (photos.info.name, photos.twin)):
        rows += measure(name, twin, NOVEL)
    return rows


def measure(name: str, twin: TwinNetwork, source: Source) -> list[Row]:
    """The rows of one network on one data set."""
    data = load(source, HELD_OUT_IMAGES_PER_CLASS, replace(MODEL, image_size=twin.config.image_size))
    embeddings = embed_images(twin, data.images)
    n_way = min(20, len(np.unique(data.labels)))
    what = f"{source.data} {source.classes}"
    rows = []
    for n_shot in SHOTS:
        result = evaluate(twin, embeddings, data.labels, episodes_of(n_way, n_shot), RULE)
        rows.append(Row(what, name, n_way, n_shot, round(result.accuracy, 4), round(result.ci95, 4)))
    say(f"{name}, {what}: done")
    return rows


def _from_header(photos: Checkpoint, row: Row) -> Row:
    told = photos.info.metrics[f"{row.data} {row.way}-way {row.shot}-shot"]
    return replace(row, network=photos.info.name, accuracy=told["accuracy"], ci95=told["ci95"])


def table(rows: list[Row]) -> str:
    """The rows in Markdown, the shots side by side."""
    lines = ["| data | ways | network | 1-shot | 5-shot |", "|---|---|---|---|---|"]
    for one, five in zip(rows[::2], rows[1::2], strict=True):
        cells = [f"{row.accuracy:.3f} ± {row.ci95:.3f}" for row in (one, five)]
        lines.append(f"| {one.data} | {one.way} | {one.network} | {' | '.join(cells)} |")
    return "\n".join(lines)
