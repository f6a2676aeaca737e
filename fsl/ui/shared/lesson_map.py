"""The recorded learning-rate lesson as maps that move side by side; none of it needs torch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import streamlit as st
from PIL import Image

from fsl.data.drawn_fruit import SIDE, fruit_pictures
from fsl.training.events import Evaluation, Started, Step, TrainEvent
from fsl.training.lesson import Lesson, RecordedRun, recorded_lesson
from fsl.training.verdict import judge
from fsl.ui.components.player import player
from fsl.ui.components.scatter import MapLook, MapPoints, Motion, Sheet, picture_sheet, scatter_map
from fsl.ui.shared.pictures import data_uri
from fsl.ui.shared.run_labels import learning_rate_text

_COLUMNS = 10
_TILE = 48


def show_lesson_maps(lesson: Lesson, key: str, height: int) -> str:
    """Show a player, and below it the map of each run at the player's moment.

    Args:
        lesson: the recorded runs.
        key: begins the keys of the widgets.
        height: height of the maps in pixels.

    Returns:
        the player's key, for curves that follow it.
    """
    steps = lesson.runs[0].steps
    name = f"{key}_player"
    player(name, steps, last=steps[-1])
    sheet = _sheet(lesson.pictures, tuple(lesson.classes[label] for label in lesson.labels))
    picture_sheet(sheet, key=f"{key}_sheet")
    with st.container(key=f"{key}_maps"):
        for column, run in zip(st.columns(len(lesson.runs)), lesson.runs, strict=True):
            with column:
                _show_map(lesson, run, sheet, key, height)
    return name


def _show_map(lesson: Lesson, run: RecordedRun, sheet: Sheet, key: str, height: int) -> None:
    rate = learning_rate_text(run.learning_rate)
    st.markdown(f"**Rate {rate}**")
    points = MapPoints(
        collection=f"{key} {rate}",
        layout=rate,
        dims=2,
        xyz=run.places[0],
        labels=lesson.labels,
        classes=lesson.classes,
        names=lesson.pictures,
    )
    motion = Motion(f"{key}_player", run.steps, run.places, [caption(run, step) for step in run.steps])
    look = MapLook(height=height, compact=True, motion=motion)
    label = f"Map of test pictures at learning rate {rate}"
    scatter_map(points, sheet, key=f"{key}_map_{rate}", label=label, look=look)


def caption(run: RecordedRun, step: int) -> str:
    """Return what is known of a run after so many batches: its verdict, and its test accuracy."""
    known = events_until(run, step)
    tests = [event for event in known if isinstance(event, Evaluation)]
    tested = f"test accuracy {tests[-1].accuracy:.0%}" if tests else "not tested yet"
    return f"{judge(known).kind if step else 'before training'} · {tested}"


def events_until(run: RecordedRun, batches: int) -> list[TrainEvent]:
    """Return the events of a run up to a batch, without its verdicts."""
    return [
        event
        for event in run.events
        if isinstance(event, Started) or (isinstance(event, Step | Evaluation) and event.step <= batches)
    ]


lesson_in_memory = lru_cache(maxsize=1)(recorded_lesson)


@lru_cache(maxsize=1)
def _sheet(pictures: tuple[str, ...], classes: tuple[str, ...]) -> Sheet:
    """Return the pictures of the maps in one image; each is known by its class and its number in it."""
    rows = -(-len(pictures) // _COLUMNS)
    image = Image.new("RGB", (_COLUMNS * _TILE, rows * _TILE), "white")
    for i, (name, of_class) in enumerate(zip(pictures, classes, strict=True)):
        pixels = fruit_pictures(of_class)[_number(name)]
        assert pixels.shape == (SIDE, SIDE, 3)
        tile = Image.fromarray(np.ascontiguousarray(pixels)).resize((_TILE, _TILE))
        image.paste(tile, ((i % _COLUMNS) * _TILE, (i // _COLUMNS) * _TILE))
    return Sheet("lesson", data_uri(image, "PNG"), _TILE, _COLUMNS)


def _number(name: str) -> int:
    return int("".join(filter(str.isdigit, name.rpartition("/")[2])))
