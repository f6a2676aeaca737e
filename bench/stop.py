"""Measure how soon a fine-tune stops, in every phase, and whether its estimate comes true.

    python -m bench stop [--quick]
    python -m bench stop --estimates        measure the estimates again, and keep the stored stops

60 pictures of groceries in 12 classes, as on the Train page, with each choice of what is trained. A run is
estimated and then made in full, with fewer batches where each takes seconds. Then runs are stopped at random
moments, half of them before the first batch. A run is stopped when the page shows it as stopped; it is
calibrated and saved again after that.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import fsl
from bench._measure import Claim, finish, options_of, result_file, say
from bench.finetune import settings, timed_data
from fsl.config import Trainable, TrainConfig
from fsl.training.estimate import RunSize, estimate_run
from fsl.training.manager import RunManager
from fsl.training.run_data import TrainingData
from fsl.training.run_plan import RunPlan
from fsl.training.run_spec import RunSpec
from fsl.training.status import RunInfo, find_run
from fsl.training.warm_up import warm_up_engine
from fsl.twin.network import TwinNetwork

CHOICES: tuple[tuple[Trainable, int], ...] = (("last", 100), ("block", 20), ("all", 10))  # and batches
STOPS = 6  # of each choice
GOAL_STOP, GOAL_FACTOR = 1.0, 2.0
_POLL = 0.01


def main() -> None:
    alone = {"action": "store_true", "help": "measure the estimates alone"}
    options = options_of(__doc__, ("--estimates", alone))
    start, data = fsl.load("photos").twin, timed_data()
    warm_up_engine()
    estimates: list[dict[str, object]] = []
    stops: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        manager = RunManager(Path(folder))
        for trainable, steps in CHOICES[: 1 if options.quick else None]:
            config = replace(settings(), trainable=trainable, steps=steps)
            config = config if trainable == "last" else replace(config, cached_views=0)
            figures = estimate_against_run(manager, config, start, data)
            estimates.append({"trained": trainable, **figures})
            say(str(estimates[-1]))
            for moment in [] if options.estimates else moments(figures, 1 if options.quick else STOPS):
                stops.append({"trained": trainable, **stop_at(manager, plan(config, start, data), moment)})
                say(str(stops[-1]))
        manager.close()
    if options.estimates:
        stops = json.loads(result_file("stop", options.quick).read_text(encoding="utf-8"))["rows"]
    finish("stop", claims(estimates, stops), stops, options.quick, estimates=estimates)


def plan(config: TrainConfig, start: TwinNetwork, data: TrainingData) -> RunPlan:
    """Return the plan of a run as the page makes it."""
    return RunPlan(RunSpec(config, start="photos"), start, data)


def estimate_against_run(
    manager: RunManager, config: TrainConfig, start: TwinNetwork, data: TrainingData
) -> dict[str, float]:
    """Estimate a run, then carry it out; return both times, in all and until the first batch."""
    tested = data.validation
    assert tested is not None
    size = RunSize(data.train.n_classes, len(data.train), tested.n_classes, len(tested))
    estimate = estimate_run(config, start, size)
    began = time.perf_counter()
    run_id = manager.start(plan(config, start, data))
    first = 0.0
    while not manager.wait(run_id, _POLL):
        first = first or (time.perf_counter() - began if _info(manager, run_id).steps_done else 0.0)
    total = time.perf_counter() - began
    return {
        "estimate, s": round(estimate.total, 2),
        "took, s": round(total, 2),
        "took / estimate": round(total / estimate.total, 2),
        "first point estimated, s": round(estimate.first_point, 2),
        "first point, s": round(first, 2),
    }


def moments(row: dict[str, float], n: int) -> list[float]:
    """Return random moments of a run, half of them before its first batch, one while it is calibrated."""
    rng = np.random.default_rng(0)
    first, total = row["first point, s"], row["took, s"]
    return [*rng.uniform(0, first, -(-n // 2)).tolist(), *rng.uniform(first, total, n // 2).tolist()]


def stop_at(manager: RunManager, planned: RunPlan, moment: float) -> dict[str, object]:
    """Start a run, stop it after ``moment`` seconds, and return what it did then and how long it went on."""
    run_id = manager.start(planned)
    time.sleep(moment)
    info = _info(manager, run_id)
    began = time.perf_counter()
    manager.stop(run_id)
    while _info(manager, run_id).is_live:
        time.sleep(_POLL)
    shown = time.perf_counter() - began
    manager.wait(run_id)
    return {
        "after, s": round(moment, 2),
        "phase": (info.doing or f"batch {info.steps_done}") if info.is_live else "calibrating",
        "batches": info.steps_done,
        "stopped after, s": round(shown, 2),
        "saved after, s": round(time.perf_counter() - began, 2),
    }


def _info(manager: RunManager, run_id: str) -> RunInfo:
    return find_run(run_id, manager.root)


def claims(estimates: list[dict[str, object]], stops: list[dict[str, object]]) -> list[Claim]:
    """Return the goals and whether they were reached."""
    slowest = max(float(row["stopped after, s"]) for row in stops)  # type: ignore[arg-type]
    factors = [float(row["took / estimate"]) for row in estimates]  # type: ignore[arg-type]
    worst = max(factors, key=lambda factor: max(factor, 1 / factor))
    choices = ", ".join(str(row["trained"]) for row in estimates)
    return [
        Claim(
            f"Stopping a fine-tune ({choices}) at {len(stops)} random moments: the slowest",
            f"{slowest:.2f} s",
            f"{GOAL_STOP:g} s",
            f"{slowest / GOAL_STOP:.2f}",
            f"at most {GOAL_STOP:g} s",
            slowest <= GOAL_STOP,
        ),
        Claim(
            f"Time of a fine-tune over its estimate ({choices}): the farthest from 1",
            f"{worst:.2f}",
            "1",
            ", ".join(f"{factor:.2f}" for factor in factors),
            f"{1 / GOAL_FACTOR:g} to {GOAL_FACTOR:g}",
            1 / GOAL_FACTOR <= worst <= GOAL_FACTOR,
        ),
    ]


if __name__ == "__main__":
    main()
