"""``photos`` against plain cosine similarity of the pretrained features, on the same images and episodes.

    python -m bench photos_against_cosine --weights DIR [--checkpoint NAME|FILE] [--out FILE.json]

Prints a table in Markdown. ``--weights`` is the folder that ``bench/build_photos.py`` tells how to get. Lists
named ``val`` chose the settings of ``photos``; ``novel`` had no part in it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import fsl
from bench.build_photos import HELD_OUT_IMAGES_PER_CLASS, MODEL, NOVEL, VALIDATION, load, say, weights_file
from bench.lite_weights import load_imagenet_weights
from fsl.config import EpisodeConfig, ModelConfig, Rule
from fsl.fewshot.evaluate import evaluate
from fsl.training.recipes import Source
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

N_EPISODES = 1000
COSINE = ModelConfig(
    backbone="efficientnet_lite0", image_size=224, mean=MODEL.mean, std=MODEL.std, head="cosine"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder of the unpacked .pth files")
    parser.add_argument("--checkpoint", default="photos")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    cosine = TwinNetwork(COSINE).eval().requires_grad_(False)
    load_imagenet_weights(cosine.backbone, weights_file(options.weights, COSINE.backbone))
    checkpoint = fsl.load(options.checkpoint)
    rows = []
    for name, twin, rules in (
        ("EfficientNet-Lite0, plain cosine", cosine, ("mean", "prototype")),
        ("photos", checkpoint.twin, ("mean", "max", "prototype")),
    ):
        for source in (*VALIDATION, NOVEL):
            rows += list(measure(name, twin, rules, source))
    print(table(rows))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measure(name: str, twin: TwinNetwork, rules: tuple[Rule, ...], source: Source) -> Iterator[dict]:
    model = replace(MODEL, image_size=twin.config.image_size)
    data = load(source, HELD_OUT_IMAGES_PER_CLASS, model)
    embeddings = embed_images(twin, data.images)
    n_way = min(20, len(np.unique(data.labels)))
    for rule in rules:
        for n_shot in (1, 5):
            config = EpisodeConfig(n_way, n_shot, 1, N_EPISODES)
            result = evaluate(twin, embeddings, data.labels, config, rule)
            yield {
                "data": f"{source.data} {source.classes}",
                "network": name,
                "rule": rule,
                "way": n_way,
                "shot": n_shot,
                "accuracy": round(result.accuracy, 4),
                "ci95": round(result.ci95, 4),
            }
    say(f"{name}, {source.data} {source.classes}: done")


def table(rows: list[dict]) -> str:
    lines = ["| data | ways | network | rule | 1-shot | 5-shot |", "|---|---|---|---|---|---|"]
    for one, five in zip(rows[::2], rows[1::2], strict=True):  # as ``measure`` yields them
        names = f"{one['data']} | {one['way']} | {one['network']} | {one['rule']}"
        cells = [f"{r['accuracy']:.3f} ± {r['ci95']:.3f}" for r in (one, five)]
        lines.append(f"| {names} | {' | '.join(cells)} |")
    return "\n".join(lines)
