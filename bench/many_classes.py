"""Measure an answer from 1,000 classes of 20 pictures against the bare pass of the query.

    python -m bench many_classes [--quick]

The embeddings of the 20,000 support pictures are made from real ones plus noise, as `python -m bench index`
makes them, and stand in the cache as if the pictures had been embedded; the network is `photos`. Each query
is new. Four take turns: the bare forward pass of the backbone in eager torch on a prepared tensor, as in
`python -m bench photos_speed`; the pass alone by the program's own engine; `fsl.classify`; and the answer up
to the JSON text that `fsl classify --json` and the HTTP API send, without decoding and connection (`python -m
bench api` has those). The ratios are to both passes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from itertools import count

import numpy as np
import torch
from PIL import Image

import fsl
from bench._indexes import PER_SOURCE, real_embeddings, vectors
from bench._measure import Claim, finish, median, options_of, ratio, say, take_turns
from bench.inference import ready_images
from fsl.base.json_values import json_text
from fsl.base.types import PixelArray
from fsl.fewshot.classify import Prediction
from fsl.fewshot.embed import CACHE, cache_key
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.prepared import prepare_support
from fsl.fewshot.results import results_object
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images

N_WAY, N_SHOT, ROUNDS, GOAL = 1_000, 20, 40, 1.5
EAGER, ENGINE, WRITTEN = "bare pass, eager torch", "pass alone, own engine", "with its JSON"


def main() -> None:
    options = options_of(__doc__)
    checkpoint = fsl.load("photos", "cpu")
    n_way = 100 if options.quick else N_WAY
    support = made_support(checkpoint, n_way, 30 if options.quick else PER_SOURCE)
    rng, number, side = np.random.default_rng(1), count(), checkpoint.info.model.image_size

    def pixels() -> PixelArray:
        return rng.integers(0, 255, (side, side, 3), dtype=np.uint8)

    def query() -> NamedImage:
        return picture(f"query {next(number)}", pixels())

    def answer() -> list[Prediction]:
        return fsl.classify(checkpoint, support, [query()])

    ready = ready_images(checkpoint, 1)

    @torch.inference_mode()
    def eager() -> None:
        checkpoint.twin.backbone(ready)

    contestants: dict[str, Callable[[], object]] = {
        EAGER: eager,
        ENGINE: lambda: embed_images(checkpoint.twin, pixels()[None]),
        "fsl.classify": answer,
        WRITTEN: lambda: json_text(results_object(answer(), support)).encode(),
    }
    seconds = take_turns(contestants, 5 if options.quick else ROUNDS, warm_up=3)
    rows = [
        {
            "what": what,
            "ms": round(1e3 * median(own), 1),
            f"to the {EAGER}": str(ratio(own, seconds[EAGER])),
            f"to the {ENGINE}": str(ratio(own, seconds[ENGINE])),
        }
        for what, own in seconds.items()
    ]
    found = ratio(seconds[WRITTEN], seconds[EAGER])
    claim = Claim(
        f"an answer from {n_way:,} classes of {N_SHOT} pictures, with its JSON",
        f"{1e3 * median(seconds[WRITTEN]):.0f} ms",
        f"{1e3 * median(seconds[EAGER]):.0f} ms for the {EAGER}",
        str(found),
        f"at most {GOAL}",
        found.median <= GOAL,
    )
    finish("many_classes", [claim], rows, options.quick)


def picture(name: str, pixels: PixelArray) -> NamedImage:
    return NamedImage(name, Image.fromarray(pixels), hashlib.sha256(name.encode()).hexdigest())


def made_support(checkpoint: Checkpoint, n_way: int, per_source: int) -> SupportSet:
    """Return a support set whose embeddings are made, prepared."""
    one = np.zeros((4, 4, 3), np.uint8)
    names = [f"{c}/{i}" for c in range(n_way) for i in range(N_SHOT)]
    slots = tuple(c for c in range(n_way) for _ in range(N_SHOT))
    pictures = tuple(picture(name, one) for name in names)
    support = SupportSet(tuple(f"class {c}" for c in range(n_way)), pictures, slots)
    real = real_embeddings(checkpoint.twin, per_source)
    rows = (row for block in vectors(real, len(names), 0) for row in torch.from_numpy(block))
    most = CACHE._most_bytes
    CACHE._most_bytes = 4 * len(names) * real.shape[1]
    for one_picture, row in zip(pictures, rows, strict=True):
        CACHE.put(cache_key(checkpoint, one_picture), row.clone())
    began = time.perf_counter()
    prepare_support(checkpoint, support)
    say(f"prepared in {time.perf_counter() - began:.2f} s")
    CACHE._most_bytes = most
    return support


if __name__ == "__main__":
    main()
