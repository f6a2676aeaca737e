"""How fast ``photos`` is: a query against embedded supports, and the embedding of a support set.

    python -m bench photos_speed [--checkpoint NAME|FILE]

Prints the median time to classify one picture against 20 classes of 5 pictures whose embeddings are known,
beside the network's bare forward pass on the same picture; then the time in which 200 pictures embed.
The pictures are drawn by the program; of decoding and shrinking them, all that the first measurement does is
in the answer's time but not in the bare one's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

import fsl
from fsl.fewshot.classify import classify
from fsl.fewshot.support import EmbeddingCache, NamedImage, SupportSet, embed
from fsl.twin.preprocess import normalise, to_uint8, to_unit

N_WAY, N_SHOT, N_QUERIES, N_EMBEDDED, SIDE = 20, 5, 30, 200, 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="photos")
    options = parser.parse_args()
    checkpoint = fsl.load(options.checkpoint)
    twin = checkpoint.twin
    device = next(twin.parameters()).device
    classes = {f"class {c}": [picture(N_SHOT * c + k) for k in range(N_SHOT)] for c in range(N_WAY)}
    support = SupportSet.from_classes(classes)
    queries = [picture(1000 + n) for n in range(N_QUERIES)]
    batches = [
        normalise(to_unit(to_uint8([query.image], twin.config), device), twin.config) for query in queries
    ]
    embed(checkpoint, support.images)
    bare, answer = [], []
    # Turn and turn about: a machine that slows down slows both.
    for batch, query in zip(batches, queries, strict=True):
        with torch.inference_mode():
            bare.append(seconds(lambda b=batch: twin.backbone(b)))
        answer.append(seconds(lambda q=query: classify(checkpoint, support, [q])))
    one, other = (statistics.median(times[5:]) for times in (answer, bare))
    print(f"{torch.get_num_threads()} threads, {device.type}")
    print(f"one query, {N_WAY} classes x {N_SHOT}: {one * 1e3:.1f} ms; bare backbone {other * 1e3:.1f} ms")
    print(f"ratio {one / other:.2f}")
    new = [picture(5000 + n) for n in range(N_EMBEDDED)]
    print(f"{N_EMBEDDED} pictures embed in {seconds(lambda: embed(checkpoint, new, EmbeddingCache())):.1f} s")


def picture(seed: int) -> NamedImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return NamedImage(f"{seed}.png", Image.fromarray(pixels), f"speed {seed}")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
