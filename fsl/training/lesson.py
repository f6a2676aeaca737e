"""The recorded learning-rate lesson of the article: three runs that differ only in their rate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fsl.training.events import TrainEvent, from_json

RECORDED = Path(__file__).with_name("lesson.json")


@dataclass(frozen=True)
class RecordedRun:
    """One recorded run.

    Attributes:
        learning_rate: learning rate of all its batches.
        events: all its events, in order.
    """

    learning_rate: float
    events: tuple[TrainEvent, ...]


@dataclass(frozen=True)
class Lesson:
    """The recorded runs.

    Attributes:
        command: the command that recorded them.
        trained_on: the images, in words.
        tested_on: the images of the tests, in words.
        runs: by rising learning rate.
    """

    command: str
    trained_on: str
    tested_on: str
    runs: tuple[RecordedRun, ...]


def recorded_lesson() -> Lesson:
    """Return what ``python -m bench lesson`` recorded."""
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    runs = tuple(
        RecordedRun(run["learning_rate"], tuple(from_json(event) for event in run["events"]))
        for run in record["runs"]
    )
    return Lesson(record["command"], record["trained_on"], record["tested_on"], runs)
