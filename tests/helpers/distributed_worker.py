"""One of two processes of test_distributed.py: trains, embeds and classifies, and saves the results.

python -m tests.helpers.distributed_worker FOLDER PORT PORT PORT (with torchrun's environment variables)
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fsl.__main__ import main
from fsl.config import AugmentConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.distributed import SINGLE, ProcessGroup, join_process_group
from fsl.training.engine import train
from fsl.training.events import Step
from fsl.training.state import new_state

STRONG = AugmentConfig(rotate=90, zoom=1.4, mirror=True, tint=0.3, erase=0.5, recolour=0.5, turn=0.5)
# 5 x 3 images do not divide by two, so the shares differ in length.
BASE = TrainConfig(
    steps=4,
    learning_rate=0.05,
    optimiser="sgd",
    batch_classes=5,
    batch_images=3,
    batch_pairs=7,
    report_every=1,
    precision="fp32",
    device="cpu",
    augment=STRONG,
)
PLAIN = ModelConfig(backbone="plain4", widths=(4, 4, 6, 8), image_size=16)
NORMED = ModelConfig(backbone="residual", widths=(8, 12), image_size=16)
CASES: dict[str, tuple[TrainConfig, ModelConfig]] = {
    "without batch norm": (BASE, PLAIN),
    "random pairs": (replace(BASE, pairing="random"), PLAIN),
    "batch norm and ranks": (replace(BASE, loss="bce+rank"), NORMED),
    "the head alone": (replace(BASE, trainable="head"), PLAIN),
    "contrastive with adam": (
        replace(BASE, loss="contrastive", optimiser="adam", learning_rate=1e-3),
        NORMED,
    ),
}


def images() -> ImageSet:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (7, 1, 16, 16, 3)) * 0.7 + rng.integers(0, 77, (7, 5, 16, 16, 3))
    names = tuple(map(str, range(35)))
    return ImageSet(
        pixels.astype(np.uint8).reshape(35, 16, 16, 3), np.repeat(np.arange(7), 5), tuple("abcdefg"), names
    )


def trained(group: ProcessGroup = SINGLE) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """The losses and all weights and statistics after each case."""
    for name, (config, model) in CASES.items():
        state = new_state(config, model, group)
        losses = [event.loss for event in train(images(), config, state) if isinstance(event, Step)]
        yield name, {"losses": torch.tensor(losses), **state.twin.state_dict()}


def work(folder: Path, ports: list[str]) -> int:
    with join_process_group("cpu") as group:
        found = dict(trained(group))
        torch.save(found, folder / f"trained-{group.rank}.pt")
    os.environ["MASTER_PORT"] = ports[0]
    network = ["--checkpoint", str(folder / "small.safetensors"), "--device", "cpu"]
    out = ["--out", str(folder / "together.npz"), "--map", "none"]
    failed = main(["embed", "--data", str(folder / "data"), *out, *network])
    os.environ["MASTER_PORT"] = ports[2]
    shards = ["--out", str(folder / "shards"), "--shard-size", "4"]
    try:
        failed = failed or main(["embed", "--data", str(folder / "data"), *shards, *network])
    except SystemExit as done:  # of the second process
        failed = int(done.code or 0)
    os.environ["MASTER_PORT"] = ports[1]
    asked = ["--support", str(folder / "support"), "--query", str(folder / "data")]
    return failed or main(["classify", *asked, "--csv", str(folder / "together.csv"), *network])


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(work(Path(sys.argv[1]), sys.argv[2:]))
