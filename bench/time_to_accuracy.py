"""Measure how long training takes until unseen classes are told apart, against the article's loop.

    python -m bench time_to_accuracy [--limit SECONDS] [--quick]

Both train the same Conv-4 on the ``train`` fruits of Fruits-360, with the same precision and threads. Both
are tested on the same 20-way 1-shot episodes of classes that neither trains on: the 14 of ``val``, and 6
taken from ``train``. Neither augments.

The article's loop draws random pairs, forwards both images of each, and uses binary cross-entropy and Adam;
its last layer starts like ``torch.nn.Linear``. It runs with 32 and with 128 pairs per batch, at the article's
learning rate (0.0001) and at those of a sweep. This engine uses all pairs of 16 classes x 4 images and its
default settings. Its last layer starts with "further apart is more different". Much of its lead comes from
that, so the article's loop also runs with this start.

Only training time counts, not the tests, which come after every second of training, later after every tenth
more. The runs take strict turns, so that other work on the machine slows all of them equally. A target is
reached when three tests in a row are not below it, because at a high rate a few batches may hit it by chance.
A run ends at the higher target or at the limit. First every setting runs once; then the article's best
setting and this engine run with further seeds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
import torch

from bench._measure import Claim, Ratio, finish, options_of, say
from fsl.base.errors import DataError
from fsl.config import NO_AUGMENTATION, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.builtin import rendered_set
from fsl.data.imageset import ImageSet
from fsl.fewshot.evaluate import evaluate
from fsl.training.batch import train_step
from fsl.training.recipe_data import load_recipe
from fsl.training.recipes import RecipeData
from fsl.training.state import new_state
from fsl.training.validation import evaluation_images
from fsl.twin.device import autocast, use_bf16
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import ClassIndex, random_pairs
from fsl.twin.preprocess import normalise, to_unit

MODEL = ModelConfig()  # Conv-4, 64 channels, 64 x 64
TARGETS = (0.60, 0.70)
EPISODES = EpisodeConfig(n_way=20, n_shot=1, n_query=1, n_episodes=500, seed=11)
SLICE = 1.0  # least seconds of training between two tests
GROWTH = 0.1  # and the least share of the training before
HELD = 3  # tests in a row at or above a target, for it to count as reached
SWEEP = (1e-4, 3e-4, 1e-3, 3e-3)
PAIRS = (32, 128)
ENGINE = TrainConfig(steps=1_000_000, learning_rate=1e-3, augment=NO_AUGMENTATION, evaluate_every=0)
SEEDS = (0, 1, 2)


@dataclass(eq=False)
class Run:
    """One contestant with one seed.

    Attributes:
        name: of the contestant.
        seed: of weights and batches.
        twin: the network in training.
        batch: trains one batch.
        seconds, batches: training so far.
        curve: seconds of training and accuracy at each test.
    """

    name: str
    seed: int
    twin: TwinNetwork
    batch: Callable[[], object]
    seconds: float = 0.0
    batches: int = 0
    curve: list[tuple[float, float]] = field(default_factory=list)

    def advance(self, seconds: float) -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            self.batch()
            self.batches += 1
        self.seconds += time.perf_counter() - began

    def test(self, test: ImageSet) -> float:
        self.twin.eval()
        embeddings = embed_images(self.twin, test.images)
        accuracy = evaluate(self.twin, embeddings, test.labels, EPISODES).accuracy
        self.twin.train()
        self.curve.append((self.seconds, accuracy))
        return accuracy

    def reached(self, target: float) -> float | None:
        """Return the seconds of training until ``target`` was reached, None if it was not."""
        for i in range(len(self.curve) - HELD + 1):
            if all(accuracy >= target for _, accuracy in self.curve[i : i + HELD]):
                return self.curve[i][0]
        return None


def article_run(data: ImageSet, n_pairs: int, rate: float, seed: int, our_start: bool = False) -> Run:
    """Prepare a run of the article's loop in plain PyTorch."""
    torch.manual_seed(seed)
    twin = TwinNetwork(MODEL).train()
    if not our_start:
        last = torch.nn.Linear(twin.embedding_dim, 1)
        twin.head.load_state_dict({"weight": last.weight.detach()[0], "bias": last.bias.detach()[0]})
    optimiser = torch.optim.Adam(twin.parameters(), rate)
    index, rng = ClassIndex(data.labels, data.class_names), np.random.default_rng(seed)
    device, bf16 = torch.device("cpu"), use_bf16("auto", torch.device("cpu"))

    def batch() -> None:
        pairs = random_pairs(index, n_pairs, rng)
        left, right = (normalise(to_unit(data.images[rows]), MODEL) for rows in (pairs.left, pairs.right))
        with autocast(device, bf16):
            first, second = twin.embed(left), twin.embed(right)
        logits = twin.head(first, second)
        target = torch.from_numpy(pairs.difference)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()

    start = ", this engine's start" if our_start else ""
    return Run(f"article's loop, {n_pairs} pairs, rate {rate:g}{start}", seed, twin, batch)


def engine_run(data: ImageSet, seed: int) -> Run:
    config = replace(ENGINE, seed=seed, device="cpu")
    state = new_state(config, MODEL)
    index = ClassIndex(data.labels, data.class_names)
    return Run("this engine", seed, state.twin, lambda: train_step(state, data, index, config))


def race(runs: list[Run], test: ImageSet, limit: float) -> None:
    """Train all runs in turns, until each has reached the higher target or the limit."""
    going = list(runs)
    while going:
        for run in list(going):
            run.advance(max(SLICE, GROWTH * run.seconds))
            accuracy = run.test(test)
            say(f"{run.name:57} seed {run.seed} {run.seconds:6.1f} s {run.batches:6} batches {accuracy:.3f}")
            if run.reached(TARGETS[-1]) or run.seconds >= limit:
                going.remove(run)


def images(quick: bool) -> tuple[ImageSet, ImageSet]:
    """Return the training images, and those of the 20 test classes."""
    try:
        train, val = (load_recipe((RecipeData("fruits360", part),), MODEL)[0] for part in ("train", "val"))
    except DataError:
        if not quick:
            raise
        say("Fruits-360 is not in FSL_DATA_DIR, so this trial uses drawn fruit")
        drawn = rendered_set(MODEL.image_size, 12)
        train, val = (drawn.select_classes(drawn.class_names[part]) for part in (slice(14, None), slice(14)))
    borrowed = train.class_names[:: len(train.class_names) // 6][:6]
    kept = [name for name in train.class_names if name not in borrowed]
    joined = train.select_classes(borrowed)
    test = ImageSet(
        np.concatenate([val.images, joined.images]),
        np.concatenate([val.labels, joined.labels + val.n_classes]),
        val.class_names + joined.class_names,
        val.names + joined.names,
    )
    return train.select_classes(kept), evaluation_images(test)


def seconds_to(runs: list[Run], name: str, target: float, limit: float) -> tuple[list[float], bool]:
    """Return each seed's seconds to ``target``, or the limit; and whether any seed missed it."""
    found = [run.reached(target) for run in runs if run.name == name]
    return [limit if seconds is None else seconds for seconds in found], None in found


def main() -> None:
    options = options_of(
        __doc__, ("--limit", {"type": float, "default": 300.0, "help": "seconds of training a run may take"})
    )
    limit = 3.0 if options.quick else options.limit
    train, test = images(options.quick)
    say(f"{train.n_classes} classes to train on, {test.n_classes} to test on")
    chosen = [(32, 1e-4), (32, 1e-3)] if options.quick else list(product(PAIRS, SWEEP))
    articles = [article_run(train, *setting, SEEDS[0]) for setting in chosen]
    runs = [engine_run(train, SEEDS[0]), *articles]
    race(runs, test, limit)
    best = min(articles, key=lambda run: (run.reached(TARGETS[0]) or limit, -run.curve[-1][1]))
    setting = chosen[articles.index(best)]
    last = article_run(train, *setting, SEEDS[0], our_start=True)
    race([last], test, limit)
    runs.append(last)
    for seed in () if options.quick else SEEDS[1:]:
        more = [
            engine_run(train, seed),
            article_run(train, *setting, seed),
            article_run(train, *setting, seed, our_start=True),
        ]
        race(more, test, limit)
        runs += more
    claims = [claim(runs, best.name, target, limit) for target in TARGETS]
    rows = [
        {
            "run": run.name,
            "seed": run.seed,
            "batches": run.batches,
            **{f"s to {target:.2f}": run.reached(target) or f"> {run.seconds:.0f}" for target in TARGETS},
            "best accuracy": max(accuracy for _, accuracy in run.curve),
        }
        for run in runs
    ]
    curves = [{"run": run.name, "seed": run.seed, "curve": run.curve} for run in runs]
    finish("time_to_accuracy", claims, rows, options.quick, curves=curves, limit=limit)


def claim(runs: list[Run], peer: str, target: float, limit: float) -> Claim:
    """Compare the median times of this engine and of the run named ``peer``."""
    ours, missed = seconds_to(runs, "this engine", target, limit)
    theirs, at_limit = seconds_to(runs, peer, target, limit)
    ratios = np.array(theirs) / np.array(ours)
    times = Ratio(float(np.median(ratios)), float(ratios.min()), float(ratios.max()))
    bound = "more than " if at_limit else ""
    return Claim(
        f"Training until 20-way 1-shot on unseen fruits reaches {target:.2f}, against the {peer}",
        f"{np.median(ours):.0f} s" if not missed else f"not within {limit:.0f} s",
        f"{bound}{np.median(theirs):.0f} s",
        f"{bound}{times}",
        "at least 5; aim 20" if target == TARGETS[0] else "-",
        not missed and times.median >= 5,
    )


if __name__ == "__main__":
    main()
