"""Measure how time and memory grow with the size of the task.

    python -m bench growth [--quick]

Each point runs in a process of its own, whose peak memory (above that at the start) is read from the system:

- one query, and 100, against up to 1,000 classes x 20 embedded pictures;
- one query against 1,000 classes of 1 to 20 pictures;
- up to 1,000 queries against 1,000 classes of 5 pictures;
- a t-SNE map of up to 5,000 images;
- training runs of up to 100,000 steps, with a tiny network, to show what grows besides the network.

It draws docs/images/growth.svg.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench._measure import Claim, finish, options_of, say
from bench._plot import Panel, save_panels

PLOT = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
N_SHOT = 20
CLASSES = (10, 30, 100, 300, 1000)
MOST_CLASSES = 1000
FEW_SHOT = 5


def peak_megabytes() -> float:
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def classify_point(n_classes: int, n_queries: int, n_shot: int = N_SHOT) -> Callable[[], object]:
    """Prepare classification without the backbone: all embeddings come from the cache, as in the app."""
    import torch
    from PIL import Image

    import fsl
    from fsl.fewshot.classify import classify
    from fsl.fewshot.embed import CACHE
    from fsl.fewshot.pictures import NamedImage
    from fsl.fewshot.support import SupportSet

    checkpoint = fsl.load("fruits", "cpu")
    picture = Image.new("RGB", (8, 8))
    names = [f"class {i}" for i in range(n_classes)]
    slots = tuple(range(n_classes)) * n_shot
    images = [NamedImage(f"{i}", picture, f"{i}") for i in range(len(slots) + n_queries)]
    for image in images:
        CACHE.put((checkpoint.digest, image.digest), torch.rand(checkpoint.twin.embedding_dim))
    support = SupportSet(tuple(names), tuple(images[: len(slots)]), slots)
    classify(checkpoint, support, images[-1:])  # the setup of the first call is not measured
    return lambda: classify(checkpoint, support, images[len(slots) :])


def map_point(n_images: int) -> Callable[[], object]:
    """Prepare a map of random embeddings."""
    import torch

    import fsl
    from fsl.embedding.distances import pair_distances
    from fsl.embedding.maps import MapConfig, make_map

    twin = fsl.load("fruits", "cpu").twin
    embeddings = torch.from_numpy(np.random.default_rng(0).random((n_images, twin.embedding_dim), np.float32))
    return lambda: make_map(pair_distances(twin, embeddings, "learned"), MapConfig())


def train_point(steps: int) -> Callable[[], object]:
    """Prepare a whole run with its folder, its events and its verdicts."""
    import tempfile

    from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
    from fsl.data.builtin import digits_set
    from fsl.training.run import run_training
    from fsl.training.run_data import TrainingData
    from fsl.training.run_spec import RunSpec
    from fsl.training.status import read_run

    config = TrainConfig(
        steps=steps,
        batch_classes=2,
        batch_images=2,
        augment=NO_AUGMENTATION,
        evaluation=EpisodeConfig(n_way=3, n_episodes=50),
        evaluate_every=max(250, steps // 100),
        device="cpu",
        precision="fp32",
    )
    model = ModelConfig(backbone="plain4", widths=(4, 4, 4, 4), image_size=16)
    digits = digits_set(16, 20)
    data, held_out = (digits.select_classes(digits.class_names[part]) for part in (slice(7), slice(7, None)))

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for _ in run_training(Path(folder), RunSpec(config), TrainingData(data, held_out), model):
                pass
            read_run(Path(folder))

    return run


@dataclass(frozen=True)
class Task:
    """A task whose size grows.

    Attributes:
        prepare: takes a size and returns the work to measure.
        sizes: the sizes to measure.
        unit: of the size.
        exponent: how the time may grow: 1 is linear, 2 quadratic.
        beside: what the claim says after the size.
    """

    prepare: Callable[[int], Callable[[], object]]
    sizes: tuple[int, ...]
    unit: str
    exponent: float = 1.0
    beside: str = ""


TASKS = {
    "classify 1 query": Task(lambda n: classify_point(n, 1), CLASSES, "classes", beside=f" x {N_SHOT}"),
    "classify 100 queries": Task(lambda n: classify_point(n, 100), CLASSES, "classes", beside=f" x {N_SHOT}"),
    "classify by shots": Task(
        lambda n: classify_point(MOST_CLASSES, 1, n), (1, 5, 20), "shots",
        beside=f" of {MOST_CLASSES:,} classes",
    ),
    "classify many queries": Task(
        lambda n: classify_point(MOST_CLASSES, n, FEW_SHOT), (1, 10, 100, 1000), "queries",
        beside=f" against {MOST_CLASSES:,} classes x {FEW_SHOT}",
    ),
    "map": Task(map_point, (500, 1000, 2000, 5000), "images", exponent=2.0),
    "train": Task(train_point, (1000, 10_000, 100_000), "steps"),
}  # fmt: skip


def measure_here(what: str, n: int) -> None:
    """Measure one point in this process and print it as JSON."""
    work = TASKS[what].prepare(n)
    before, began = peak_megabytes(), time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": peak_megabytes() - before}))


def measure(what: str, n: int) -> dict[str, object]:
    """Measure one point in a new process."""
    command = [sys.executable, "-c", f"from bench.growth import measure_here; measure_here({what!r}, {n})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    point = json.loads(done.stdout.splitlines()[-1])
    unit, seconds, megabytes = TASKS[what].unit, point["seconds"], point["megabytes"]
    say(f"{what}, {n:,} {unit}: {seconds:.3g} s, {megabytes:.0f} MB more")
    return {"what": what, "n": n, "of": unit, "seconds": seconds, "MB more": megabytes}


def exponent(rows: list[dict[str, object]], what: str) -> float:
    """Return how the time grows between the last two sizes: 1 is linear, 2 quadratic."""
    (n1, t1), (n2, t2) = [(row["n"], row["seconds"]) for row in rows if row["what"] == what][-2:]
    return float(np.log(t2 / t1) / np.log(n2 / n1))


def claims_on(rows: list[dict[str, object]]) -> list[Claim]:
    """Return a claim for each task: its largest size, and how the time grew."""
    found = []
    for what, task in TASKS.items():
        first, *_, largest = [row for row in rows if row["what"] == what]
        grows = exponent(rows, what)
        found.append(
            Claim(
                f"Growth: {what}, {largest['n']:,} {task.unit}{task.beside}",
                f"{largest['seconds']:.3g} s, {largest['MB more']:.0f} MB",
                f"{first['seconds']:.3g} s at {first['n']:,}",
                f"grows as n^{grows:.2f}",
                f"at most n^{task.exponent:g} (within 0.2), under 2 GB",
                grows <= task.exponent + 0.2 and float(largest["MB more"]) < 2000,
            )
        )
    return found


def main() -> None:
    options = options_of(__doc__)
    most = 2 if options.quick else None
    rows = [measure(what, n) for what, task in TASKS.items() for n in task.sizes[:most]]
    if not options.quick:
        draw(rows)
    finish("growth", claims_on(rows), rows, options.quick)


def draw(rows: list[dict[str, object]]) -> None:
    """Draw docs/images/growth.svg."""

    def line(what: str, key: str) -> list[tuple[float, float]]:
        least = 1e-4 if key == "seconds" else 0.1  # the axes are logarithmic
        return [(row["n"], max(row[key], least)) for row in rows if row["what"] == what]

    panels = []
    for key, y in (("seconds", "seconds"), ("MB more", "megabytes more at the peak")):
        classify = {what: line(what, key) for what in ("classify 1 query", "classify 100 queries")}
        panels.append(Panel("Classify", f"classes of {N_SHOT} pictures", y, classify))
        more = {what: line(what, key) for what in ("classify by shots", "classify many queries")}
        panels.append(Panel(f"Classify, {MOST_CLASSES:,} classes", "shots or queries", y, more))
        panels.append(Panel("Map (t-SNE)", "images", y, {"map": line("map", key)}))
        panels.append(Panel("A training run", "steps", y, {"run": line("train", key)}))
    save_panels(PLOT, panels, columns=4)


if __name__ == "__main__":
    main()
