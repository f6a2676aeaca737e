"""How do time and memory grow with the size of the task?

    python -m bench growth [--quick]

Each point is a process of its own, whose peak of memory (above what it takes before) is read from the system:
classifying a query, and 100, against up to 1,000 classes x 20 embedded pictures; one against 1,000 classes of
1 to 20 pictures; up to 1,000 queries against 1,000 classes of 5; a t-SNE map of up to 5,000 images; and
training runs of up to 100,000 steps (a tiny network, so that all but the network is what grows).
Draws docs/images/growth.svg.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench._measure import Claim, finish, options_of, say
from bench._plot import Panel, save_panels

PLOT = Path(__file__).parents[1] / "docs" / "images" / "growth.svg"
N_SHOT = 20
POINTS = {
    "classify 1 query": (10, 30, 100, 300, 1000),
    "classify 100 queries": (10, 30, 100, 300, 1000),
    "classify by shots": (1, 5, 20),
    "classify many queries": (1, 10, 100, 1000),
    "map": (500, 1000, 2000, 5000),
    "train": (1000, 10_000, 100_000),
}
UNITS = {
    "classify 1 query": "classes",
    "classify 100 queries": "classes",
    "classify by shots": "shots",
    "classify many queries": "queries",
    "map": "images",
    "train": "steps",
}
MOST_CLASSES = 1000
FEW_SHOT = 5


def peak_megabytes() -> float:
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def classify_point(n_classes: int, n_queries: int, n_shot: int = N_SHOT) -> Callable[[], None]:
    """Everything but the backbone: all embeddings come from the cache, as they do in the app."""
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
    classify(checkpoint, support, images[-1:])  # what the first call sets up is not counted
    return lambda: void(classify(checkpoint, support, images[len(slots) :]))


def map_point(n_images: int) -> Callable[[], None]:
    import torch

    import fsl
    from fsl.embedding.distances import pair_distances
    from fsl.embedding.maps import MapConfig, make_map

    twin = fsl.load("fruits", "cpu").twin
    embeddings = torch.from_numpy(np.random.default_rng(0).random((n_images, twin.embedding_dim), np.float32))
    return lambda: void(make_map(pair_distances(twin, embeddings, "learned"), MapConfig()))


def train_point(steps: int) -> Callable[[], None]:
    """A whole run with its folder, its events and its verdicts."""
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


MAKERS: dict[str, Callable[[int], Callable[[], None]]] = {
    "classify 1 query": lambda n: classify_point(n, 1),
    "classify 100 queries": lambda n: classify_point(n, 100),
    "classify by shots": lambda n: classify_point(MOST_CLASSES, 1, n),
    "classify many queries": lambda n: classify_point(MOST_CLASSES, n, FEW_SHOT),
    "map": map_point,
    "train": train_point,
}


def void(_: object) -> None:
    """Gives nothing back, so that the result can be let go of."""


def measure_here(what: str, n: int) -> None:
    """In a process of its own: one point as JSON."""
    work = MAKERS[what](n)
    before, began = peak_megabytes(), time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": peak_megabytes() - before}))


def measure(what: str, n: int) -> dict[str, object]:
    command = [sys.executable, "-c", f"from bench.growth import measure_here; measure_here({what!r}, {n})"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    point = json.loads(done.stdout.splitlines()[-1])
    say(f"{what}, {n:,} {UNITS[what]}: {point['seconds']:.3g} s, {point['megabytes']:.0f} MB more")
    return {
        "what": what,
        "n": n,
        "of": UNITS[what],
        "seconds": point["seconds"],
        "MB more": point["megabytes"],
    }


def exponent(rows: list[dict[str, object]], what: str) -> float:
    """Of growth between the last two sizes: 1 is linear, 2 quadratic."""
    (n1, t1), (n2, t2) = [(row["n"], row["seconds"]) for row in rows if row["what"] == what][-2:]
    return float(np.log(t2 / t1) / np.log(n2 / n1))


def claims_on(rows: list[dict[str, object]]) -> list[Claim]:
    """The largest size of each, and how it got there."""
    found = []
    expected = {
        "classify 1 query": 1.0,
        "classify 100 queries": 1.0,
        "classify by shots": 1.0,
        "classify many queries": 1.0,
        "map": 2.0,
        "train": 1.0,
    }
    for what, most in expected.items():
        first, *_, largest = [row for row in rows if row["what"] == what]
        grows = exponent(rows, what)
        shots = {
            "classes": f" x {N_SHOT}",
            "shots": f" of {MOST_CLASSES:,} classes",
            "queries": f" against {MOST_CLASSES:,} classes x {FEW_SHOT}",
        }.get(UNITS[what], "")
        found.append(
            Claim(
                f"Growth: {what}, {largest['n']:,} {UNITS[what]}{shots}",
                f"{largest['seconds']:.3g} s, {largest['MB more']:.0f} MB",
                f"{first['seconds']:.3g} s at {first['n']:,}",
                f"grows as n^{grows:.2f}",
                f"at most n^{most:g} (within 0.2), under 2 GB",
                grows <= most + 0.2 and float(largest["MB more"]) < 2000,
            )
        )
    return found


def main() -> None:
    options = options_of(__doc__)
    chosen = {what: sizes[:2] if options.quick else sizes for what, sizes in POINTS.items()}
    rows = [measure(what, n) for what, sizes in chosen.items() for n in sizes]
    if not options.quick:
        draw(rows)
    finish("growth", claims_on(rows), rows, options.quick)


def draw(rows: list[dict[str, object]]) -> None:
    def line(what: str, key: str) -> list[tuple[float, float]]:
        least = 1e-4 if key == "seconds" else 0.1  # a logarithm needs more than 0
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
