"""Measure fine-tuning: how soon it begins and ends, and what it does to accuracy, on five data sets.

    python -m bench finetune [--weights DIR] [--halfway DIR] [--quick]
    python -m bench finetune --times        measure the times again, and keep the stored accuracies

On each data set the network ``photos`` is fine-tuned on five pictures of each class and tested on the other
pictures of the same classes, before and after. Up to 20 classes are drawn by a seed. For groceries and Tiny
ImageNet the network is built again without these classes (``bench/build_photos.py`` says how to get the
weights of ImageNet for the folder of ``--weights``, and what ``--halfway`` is). The settings are those of the
page and of ``fsl train --start photos --trainable last``; they were chosen on the other groceries, on other
classes of Tiny ImageNet and of Fruits-360. Two figures are given for each data set:

- *1-shot*: one of the pictures that were not learned from is shown of each class, as in a run's own test;
- *in use*: the pictures that were learned from are shown, as on the Classify page. Beside it stands the
  linear probe on the unchanged network.

Intervals are over classes and pictures (``fsl.training.gain``). Times are those of 60 pictures in 12 classes,
with a warm engine, as on an open Train page (``fsl.training.warm_up``). The first run of a new process waits
for that as well, which is measured beside them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import fsl
from bench._measure import Claim, finish, options_of, result_file, say
from bench.build_photos import MODEL, pretrained_backbone, trained_and_fitted
from bench.last_stages import embedded
from bench.photos_data import LEARNED_KINDS, NOVEL, halfway_of, load
from fsl.base.types import Float64Array, IntArray
from fsl.config import EpisodeConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.classify import class_scores
from fsl.fewshot.episodes import sample_episodes
from fsl.fewshot.evaluate import episode_scores
from fsl.fewshot.linear_probe import fit
from fsl.fewshot.support_view import seen_from_support
from fsl.training.engine import train
from fsl.training.events import Evaluation, Step
from fsl.training.gain import chance_of, interval_over_pictures, picture_accuracy
from fsl.training.presets import PRESETS
from fsl.training.recipes import RecipeData
from fsl.training.run import run_training
from fsl.training.run_data import TrainingData, hold_out_share
from fsl.training.run_spec import RunSpec
from fsl.training.state import new_state
from fsl.training.validation import embed_evaluated
from fsl.training.warm_up import warm_up_engine
from fsl.twin.network import TwinNetwork

LEARNED = 5  # pictures of each class
SEEDS = (0, 1, 2, 3, 4)
NETWORK_OPTIONS = (
    (
        "--weights",
        {"type": Path, "default": Path(".local/weights"), "help": "of ImageNet; .local/weights if not given"},
    ),
    ("--halfway", {"type": Path, "help": "folder to keep what the frozen stages return in"}),
)
MOST_TESTED = 10  # pictures of each class
MOST_CLASSES = 20
TIMED_CLASSES, TIMED_PICTURES = 12, 5
GOAL_FIRST, GOAL_DONE = 3.0, 20.0
GOAL_GAIN, GOAL_LOSS = 0.03, -0.01


@dataclass(frozen=True)
class Task:
    """Pictures to fine-tune on; ``shipped`` if the network that ships has met none of their classes."""

    name: str
    source: RecipeData
    shipped: bool = False


GROCERIES = Task("groceries", RecipeData("grocery"))
OBJECTS = Task("Tiny ImageNet val", RecipeData("tiny-imagenet", "val"))
TASKS = (
    GROCERIES,
    Task("clothing", RecipeData("clothing-subset.zip"), shipped=True),
    Task("sign digits", RecipeData("sign-digits-subset.zip"), shipped=True),
    Task("Fruits-360 novel", NOVEL, shipped=True),
    OBJECTS,
)


def main() -> None:
    times = {"action": "store_true", "help": "measure the times alone"}
    options = options_of(__doc__, ("--times", times), *NETWORK_OPTIONS)
    photos = fsl.load("photos").twin
    timed = times_of_run(timed_data(), photos)
    say(str(timed))
    rows: list[dict[str, object]] = []
    if options.times:
        rows = json.loads(result_file("finetune", options.quick).read_text(encoding="utf-8"))["rows"]
    else:
        unmet = network_without(options)
        for task in TASKS[:1] if options.quick else TASKS:
            twin = photos if task.shipped else unmet
            rows.append(row_of(task, twin, SEEDS[: 1 if options.quick else None]))
            say(str(rows[-1]))
    finish("finetune", claims(timed, rows), rows, options.quick, timed=timed)


def network_without(options: argparse.Namespace) -> TwinNetwork:
    """Build ``photos`` again without the classes that are tested here; with ``--quick`` return what ships."""
    if options.quick:
        return fsl.load("photos").twin
    left_out = [*pictures(GROCERIES).class_names, *pictures(OBJECTS).class_names]
    backbone = pretrained_backbone(options.weights)
    data = [halfway_of(backbone, kind, MODEL, options.halfway).without(left_out) for kind in LEARNED_KINDS]
    untrained = [embedded(backbone, one) for one in data]
    return trained_and_fitted(backbone, data, untrained, [kind.weight for kind in LEARNED_KINDS]).after


def pictures(task: Task) -> ImageSet:
    """Load some classes of a data set at the size of ``photos``, with as many pictures as are needed."""
    data = load(task.source, LEARNED + MOST_TESTED, MODEL)
    drawn = np.random.default_rng(0).permutation(data.n_classes)[:MOST_CLASSES]
    return data.select_classes(sorted(data.class_names[i] for i in drawn))


def settings() -> TrainConfig:
    """Return the settings of the page's fine-tune."""
    preset = PRESETS["fine-tune"]
    return replace(preset.config, learning_rate=preset.rates[0])


def split(data: ImageSet, seed: int) -> tuple[ImageSet, ImageSet]:
    """Return the pictures to learn from and the others."""
    rng = np.random.default_rng(seed)
    learned = np.concatenate(
        [rng.choice(np.flatnonzero(data.labels == c), LEARNED, replace=False) for c in np.unique(data.labels)]
    )
    return data.rows(np.sort(learned)), data.rows(np.setdiff1d(np.arange(len(data)), learned))


def row_of(task: Task, twin: TwinNetwork, seeds: tuple[int, ...]) -> dict[str, object]:
    """Fine-tune with several draws of the pictures to learn from, and return the figures together."""
    data = pictures(task)
    found = [accuracies(twin, data, seed) for seed in seeds]
    labels = np.concatenate([labels for labels, _ in found])
    joined = {name: np.concatenate([values[name] for _, values in found]) for name in found[0][1]}
    row: dict[str, object] = {"data": task.name, "classes": data.n_classes, "pictures": len(labels)}
    for measure in ("1-shot", "in use"):
        before, after = joined[f"{measure} before"], joined[f"{measure} after"]
        low, high = interval_over_pictures(after - before, labels)
        row |= {
            f"{measure} before": float(before.mean()),
            f"{measure} after": float(after.mean()),
            f"{measure} gain": float((after - before).mean()),
            f"{measure} 95%": f"{low:+.3f} to {high:+.3f}",
            f"{measure} chance": chance_of(before, after),
        }
    return {**row, "linear probe": float(joined["probe"].mean())}


def accuracies(twin: TwinNetwork, data: ImageSet, seed: int) -> tuple[IntArray, dict[str, Float64Array]]:
    """Fine-tune once; return the classes of the other pictures, and how often each was answered correctly."""
    learned, others = split(data, seed)
    return others.labels, before_and_after(twin, replace(settings(), seed=seed), learned, others)


def before_and_after(
    twin: TwinNetwork, config: TrainConfig, learned: ImageSet, others: ImageSet
) -> dict[str, Float64Array]:
    """Fine-tune a network; return how often each of the other pictures was answered correctly."""
    config = replace(config, evaluate_every=0)
    state = new_state(config, twin)
    embed = partial(embed_evaluated, state.twin, features=state.features)
    before = embed(learned.images), embed(others.images)
    found = {"1-shot before": one_shot(state.twin, before[1], others.labels)}
    found["in use before"] = in_use(state.twin, before, learned.labels, others.labels)
    found["probe"] = by_probe(state.twin, before, learned.labels, others.labels)
    for _ in train(learned, config, state):
        pass
    after = embed(learned.images), embed(others.images)
    state.twin.eval()
    found["1-shot after"] = one_shot(state.twin, after[1], others.labels)
    found["in use after"] = in_use(state.twin, after, learned.labels, others.labels)
    return found


def one_shot(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> Float64Array:
    """Return how often each picture is recognised from one other picture of each class."""
    n_way = len(np.unique(labels))
    episodes = sample_episodes(labels, EpisodeConfig(n_way, 1, 1, 300))
    ways = episode_scores(twin.eval(), embeddings, episodes, "mean").argmax(-1).numpy()
    return picture_accuracy(episodes, ways == np.arange(n_way)[None, :, None], len(labels))


def in_use(
    twin: TwinNetwork, embeddings: tuple[Tensor, Tensor], shown: IntArray, asked: IntArray
) -> Float64Array:
    """Return whether each picture is recognised from the pictures that were learned from."""
    support, query = seen_from_support(twin, *embeddings, torch.from_numpy(shown))
    n_way = int(shown.max()) + 1
    scores = class_scores(twin, support, torch.from_numpy(shown), n_way, query, "prototype")
    return np.equal(scores.argmax(1).numpy(), asked).astype(np.float64)


def by_probe(
    twin: TwinNetwork, embeddings: tuple[Tensor, Tensor], shown: IntArray, asked: IntArray
) -> Float64Array:
    """Return whether a linear probe on the pictures that were learned from recognises each picture."""
    support, query = seen_from_support(twin, *embeddings, torch.from_numpy(shown))
    answers = fit(support, torch.from_numpy(shown)).probabilities(query).argmax(1).numpy()
    return np.equal(answers, asked).astype(np.float64)


def timed_data() -> TrainingData:
    """Return the pictures of the run that is timed."""
    data = pictures(GROCERIES)
    chosen = data.select_classes(data.class_names[:TIMED_CLASSES])
    rows = [np.flatnonzero(chosen.labels == label)[:TIMED_PICTURES] for label in range(TIMED_CLASSES)]
    return hold_out_share(chosen.rows(np.concatenate(rows)), 0.3, "images", 0, "groceries")


def times_of_run(data: TrainingData, twin: TwinNetwork) -> dict[str, float]:
    """Return the seconds of a run in a folder, from the moment that its pictures are read."""
    began = time.perf_counter()
    warm_up_engine()
    warming = time.perf_counter() - began
    point = test = 0.0
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for event in run_training(Path(folder) / "run", RunSpec(settings()), data, twin):
            now = time.perf_counter() - began
            test = test or (now if isinstance(event, Evaluation) else 0.0)
            point = point or (now if isinstance(event, Step) else 0.0)
        done = time.perf_counter() - began
    seconds = {"warming up": warming, "first test": test, "first batch": point, "done": done}
    return {f"{name}, s": round(value, 2) for name, value in seconds.items()}


def claims(timed: dict[str, float], rows: list[dict[str, object]]) -> list[Claim]:
    """Return the goals and whether they were reached."""
    gains = {str(row["data"]): row for row in rows}
    first = rows[0]
    worst = min(float(row[f"{m} gain"]) for row in rows for m in ("1-shot", "in use"))  # type: ignore[arg-type]
    size = f"{TIMED_CLASSES * TIMED_PICTURES} pictures in {TIMED_CLASSES} classes"

    def gained(measure: str) -> Claim:
        gain = float(first[f"{measure} gain"])  # type: ignore[arg-type]
        return Claim(
            f"Fine-tuning `photos` on {LEARNED} pictures of each of {first['classes']} groceries: {measure} "
            "accuracy on others",
            f"{first[f'{measure} after']:.3f}",
            f"{first[f'{measure} before']:.3f} before",
            f"{gain:+.3f} ({first[f'{measure} 95%']})",
            f"at least {GOAL_GAIN:+.2f}",
            gain >= GOAL_GAIN,
        )

    return [
        _time_claim(
            f"Fine-tuning {size}: first point after they are read", timed["first batch, s"], GOAL_FIRST
        ),
        _time_claim(f"Fine-tuning {size}: done, tests and calibration included", timed["done, s"], GOAL_DONE),
        gained("1-shot"),
        gained("in use"),
        Claim(
            f"Fine-tuning on {len(gains)} data sets: the least gain of both measures",
            f"{worst:+.3f}",
            "0",
            "-",
            f"at least {GOAL_LOSS:+.2f}",
            worst >= GOAL_LOSS,
        ),
    ]


def _time_claim(what: str, seconds: float, goal: float) -> Claim:
    return Claim(
        what,
        f"{seconds:.1f} s",
        f"{goal:g} s",
        f"{seconds / goal:.2f}",
        f"at most {goal:g} s",
        seconds <= goal,
    )


if __name__ == "__main__":
    main()
