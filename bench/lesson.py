"""Record the article's learning-rate lesson for the Learn page and the home page.

    python -m bench lesson [--out FILE.json] [--seeds N]

It trains the preset "article" on drawn fruit, once at each of its learning rates; network, seed and batches
are the same. It writes every event of each run, and maps of test pictures during training; the pages show
these and nothing else. With ``--seeds`` it repeats the experiment instead, and reports how often the good
rates end better than they began, and how long the three runs take together.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench._measure import Claim, finish, options_of, say
from fsl.config import TrainConfig
from fsl.data.imageset import ImageSet
from fsl.data.query import DataSpec
from fsl.embedding.maps import MapConfig
from fsl.embedding.motion import Recording, moving_map
from fsl.training.engine import train
from fsl.training.events import Evaluation, Finished, Pause, Step, TrainEvent, Verdict, to_json
from fsl.training.lesson import PLACES, RECORDED
from fsl.training.presets import PRESETS
from fsl.training.run_data import TrainingData, load_training_data
from fsl.training.snapshots import spread_over_classes
from fsl.training.state import new_state
from fsl.training.validation import embed_evaluated

HOLD_OUT = 0.4
MAP_PICTURES = 60
MAP_EVERY = 10  # batches
GOAL_SECONDS = 60.0


@dataclass(frozen=True, eq=False)
class Recorded:
    """One run: its settings, its events, and the embeddings of the map's pictures at some batches."""

    config: TrainConfig
    events: list[TrainEvent]
    steps: list[int]
    embeddings: list[NDArray[np.float32]]

    @property
    def tests(self) -> list[float]:
        """The test accuracies in order, the first one before training."""
        return [event.accuracy for event in self.events if isinstance(event, Evaluation)]

    @property
    def verdict(self) -> str:
        """The last verdict."""
        return [event.kind for event in self.events if isinstance(event, Verdict)][-1]

    @property
    def seconds(self) -> float:
        """Training time, tests included."""
        return next(event.seconds for event in self.events if isinstance(event, Finished))


def main() -> None:
    options = options_of(
        __doc__,
        ("--out", {"type": Path, "default": RECORDED}),
        ("--seeds", {"type": int, "default": 0, "help": "repeat it with so many seeds, and record nothing"}),
    )
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds or 1):
        data, runs = experiment(seed)
        if not options.seeds:
            write(options.out, data, runs)
        rows += [row_of(seed, run) for run in runs]
        say(str(rows[-len(runs) :]))
    finish("lesson", claims(rows, len(PRESETS["article"].rates)), rows, options.quick)


def experiment(seed: int) -> tuple[TrainingData, list[Recorded]]:
    """Run the lesson with one seed."""
    preset = PRESETS["article"]
    data = load_training_data(DataSpec(data=preset.data, hold_out=HOLD_OUT), preset.model, seed, report=print)
    return data, [
        record(data, replace(preset.config, learning_rate=rate, seed=seed)) for rate in preset.rates
    ]


def record(data: TrainingData, config: TrainConfig) -> Recorded:
    """Train one run, and embed the map's pictures every few batches."""
    config = replace(config, precision="fp32", device="cpu")
    state = new_state(config, PRESETS["article"].model)
    pictures = map_pictures(data.validation)
    found = Recorded(config, [], [], [])
    for event in train(data.train, config, state, data.validation):
        if not isinstance(event, Pause):
            found.events.append(event)
        elif event is Pause.BATCH and state.step % MAP_EVERY == 0 and state.step not in found.steps:
            found.steps.append(state.step)
            found.embeddings.append(embed_evaluated(state.twin, pictures.images, None).numpy())
    return found


def map_pictures(validation: ImageSet | None) -> ImageSet:
    """Return a few test pictures of each class."""
    assert validation is not None
    return validation.rows(spread_over_classes(validation.labels, MAP_PICTURES))


def write(out: Path, data: TrainingData, runs: Sequence[Recorded]) -> None:
    """Write the events of the runs, and the places of the pictures on their maps."""
    pictures = map_pictures(data.validation)
    record = {
        "command": "python -m bench lesson",
        "trained_on": f"drawn fruit, {1 - HOLD_OUT:.0%} of the kinds",
        "tested_on": f"the other {HOLD_OUT:.0%}",
        "pictures": list(pictures.names),
        "labels": pictures.labels.tolist(),
        "classes": list(pictures.class_names),
        "runs": [
            {
                "learning_rate": run.config.learning_rate,
                "config": run.config.to_json(),
                "events": [to_json(event) for event in run.events],
                "steps": run.steps,
                "places": places(run, pictures),
            }
            for run in runs
        ],
    }
    out.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


def places(run: Recorded, pictures: ImageSet) -> list[list[int]]:
    """Return where the pictures lie at each moment: n * 2 whole numbers from -PLACES to PLACES."""
    torch.manual_seed(0)
    frames = moving_map(Recording(run.steps, run.embeddings, pictures.labels), MapConfig())
    found = []
    for frame in frames:
        points = frame.map.points
        centred = points - (points.max(0) + points.min(0)) / 2
        reach = float(np.abs(centred).max()) or 1.0
        found.append(np.rint(centred / reach * PLACES).astype(int).ravel().tolist())
    return found


def row_of(seed: int, run: Recorded) -> dict[str, Any]:
    losses = [event.loss for event in run.events if isinstance(event, Step)]
    return {
        "seed": seed,
        "rate": run.config.learning_rate,
        "test before": run.tests[0],
        "best": max(run.tests),
        "test after": run.tests[-1],
        "last loss": losses[-1],
        "verdict": run.verdict,
        "seconds": round(run.seconds, 1),
    }


def claims(rows: Sequence[dict[str, Any]], n_rates: int) -> list[Claim]:
    """Return whether the lesson can be seen, and whether it takes a minute."""
    highest = max(row["rate"] for row in rows)
    good = [row for row in rows if row["rate"] != highest]
    risen = sum(row["test after"] > row["test before"] and row["verdict"] == "learning" for row in good)
    flat = sum(row["verdict"] == "stalled" for row in rows if row["rate"] == highest)
    seconds = sum(row["seconds"] for row in rows) / (len(rows) / n_rates)
    n_bad = len(rows) - len(good)
    return [
        Claim(
            "The learning-rate lesson: good rates that end better on unseen classes than they began, "
            "too high a rate that is called stalled",
            f"{risen} of {len(good)}, {flat} of {n_bad}",
            "all",
            f"{(risen + flat) / len(rows):.2f}",
            "1",
            risen + flat == len(rows),
        ),
        Claim(
            "The learning-rate lesson: three runs together",
            f"{seconds:.0f} s",
            f"{GOAL_SECONDS:.0f} s",
            f"{seconds / GOAL_SECONDS:.2f}",
            f"at most {GOAL_SECONDS:.0f} s",
            seconds <= GOAL_SECONDS,
        ),
    ]


if __name__ == "__main__":
    main()
