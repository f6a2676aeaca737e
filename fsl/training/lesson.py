"""The recorded learning-rate lesson of the article: three runs that differ only in their rate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fsl.training.events import TrainEvent, from_json

RECORDED = Path(__file__).with_name("lesson.json")
PLACES = 1000
"""The places in the file are whole numbers from -PLACES to PLACES."""


@dataclass(frozen=True)
class RecordedRun:
    """One recorded run.

    Attributes:
        learning_rate: learning rate of all its batches.
        events: all its events, in order.
        steps: number of batches done at each of its maps, rising.
        places: for each map the places of the lesson's pictures, n * 2 numbers from -1 to 1.
    """

    learning_rate: float
    events: tuple[TrainEvent, ...]
    steps: tuple[int, ...]
    places: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Lesson:
    """The recorded runs.

    Attributes:
        command: the command that recorded them.
        trained_on: the images, in words.
        tested_on: the images of the tests, in words.
        pictures: names of the n test pictures on the maps.
        labels: positions of their classes in ``classes``.
        classes: names of the test classes.
        runs: by rising learning rate.
    """

    command: str
    trained_on: str
    tested_on: str
    pictures: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    runs: tuple[RecordedRun, ...]


def recorded_lesson() -> Lesson:
    """Return what ``python -m bench lesson`` recorded."""
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    runs = tuple(
        RecordedRun(
            run["learning_rate"],
            tuple(from_json(event) for event in run["events"]),
            tuple(run["steps"]),
            tuple(tuple(place / PLACES for place in places) for places in run["places"]),
        )
        for run in record["runs"]
    )
    pictures, labels, classes = (tuple(record[name]) for name in ("pictures", "labels", "classes"))
    about = record["command"], record["trained_on"], record["tested_on"]
    return Lesson(*about, pictures, labels, classes, runs)
