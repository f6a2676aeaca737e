"""Measure training and embedding on a GPU by batch size and precision, for ``fruits`` and ``glyphs``.

    python -m bench gpu [--quick]

It measures images per second on pictures in memory, in fp32 and bf16; a training batch holds classes x
images. Without a GPU it says so, and measures nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from bench._measure import Claim, finish, median, options_of, say, take_turns
from fsl.config import ModelConfig, Precision, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.engine import train
from fsl.training.events import Pause
from fsl.training.recipes import RECIPES
from fsl.training.state import new_state
from fsl.twin.device import autocast
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_unit

NAMES = ("fruits", "glyphs")
BATCHES = ((16, 4), (32, 8), (64, 16))  # classes x images
EMBEDDED = (16, 64, 256, 1024)
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def noise(size: int, n_classes: int, per_class: int) -> ImageSet:
    """Return pictures of noise, because their content does not change the speed."""
    n = n_classes * per_class
    images = np.random.default_rng(0).integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(n_classes, dtype=np.int64), per_class)
    return ImageSet(images, labels, tuple(map(str, range(n_classes))), tuple(map(str, range(n))))


def training(data: ImageSet, model: ModelConfig, config: TrainConfig, n_batches: int) -> Callable[[], None]:
    """Return a function that trains ``n_batches`` batches of an endless run."""
    run = train(data, config, new_state(config, model))

    def work() -> None:
        done = 0
        while done < n_batches:
            done += next(run) is Pause.BATCH
        torch.cuda.synchronize()

    return work


@torch.inference_mode()
def embedding(twin: TwinNetwork, images: np.ndarray, bf16: bool) -> None:
    """Embed one batch, from pictures in memory to embeddings in memory."""
    device = torch.device("cuda")
    with autocast(device, bf16):
        twin.embed(normalise(to_unit(images, device), twin.config)).float().cpu()


def main() -> None:
    options = options_of(__doc__)
    if not torch.cuda.is_available():
        say("There is no GPU that torch can use here, so there is nothing to measure.")
        return
    rounds, n_batches = (1, 2) if options.quick else (7, 20)
    rows: list[dict[str, object]] = []
    for name in NAMES:
        recipe = RECIPES[name]
        data = noise(recipe.model.image_size, BATCHES[-1][0], BATCHES[-1][1])
        twin = TwinNetwork(recipe.model).eval().to("cuda")
        work: dict[tuple[str, int, Precision], Callable[[], None]] = {}
        for precision in PRECISIONS:
            for classes, images in BATCHES[: 1 if options.quick else None]:
                config = replace(
                    recipe.config,
                    batch_classes=classes,
                    batch_images=images,
                    pairing="all",
                    steps=1_000_000,
                    evaluate_every=0,
                    snapshot_images=0,
                    device="cuda",
                    precision=precision,
                )
                work["training", classes * images, precision] = training(
                    data, recipe.model, config, n_batches
                )
            for n in EMBEDDED[: 1 if options.quick else None]:
                work["embedding", n, precision] = partial(
                    embedding, twin, data.images[:n], precision == "bf16"
                )
        seconds = take_turns({str(key): call for key, call in work.items()}, rounds)
        for what, n, precision in work:
            spent = median(seconds[str((what, n, precision))])
            done = n * n_batches if what == "training" else n
            rows.append(
                {
                    "recipe": name,
                    "what": what,
                    "batch": n,
                    "precision": precision,
                    "images a second": done / spent,
                }
            )
    finish("gpu", claims_on(rows), rows, options.quick, gpu=torch.cuda.get_device_name())


def claims_on(rows: list[dict[str, object]]) -> list[Claim]:
    """Compare the fastest batch sizes in fp32 and bf16."""
    claims = []
    for name in NAMES:
        for what in ("training", "embedding"):
            best = {
                precision: max(
                    float(str(row["images a second"]))
                    for row in rows
                    if (row["recipe"], row["what"], row["precision"]) == (name, what, precision)
                )
                for precision in PRECISIONS
            }
            claims.append(
                Claim(
                    f"On a GPU, {what} by the recipe of {name} at its best batch size, bf16 against fp32",
                    f"{best['bf16']:,.0f} images/s",
                    f"{best['fp32']:,.0f} images/s",
                    f"{best['bf16'] / best['fp32']:.2f}",
                    "-",
                    True,
                )
            )
    return claims


if __name__ == "__main__":
    main()
