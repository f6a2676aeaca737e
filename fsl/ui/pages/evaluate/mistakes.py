"""Which classes are mistaken for which, and the pictures of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fsl.base.text import count
from fsl.charts.evaluation import confusion_matrix
from fsl.charts.style import STILL
from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.pages.evaluate.job import Job, Pictures
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded_callback

if TYPE_CHECKING:
    from fsl.fewshot.answers import Answers
    from fsl.fewshot.evaluate import EvaluationResult

_MOST_IN_MATRIX = 40
_MOST_MISTAKES = 60
_SHOWN = 24
_SHOWN_OF_ANSWER = 6


def show_mistakes(job: Job, answers: Answers, result: EvaluationResult) -> None:
    """Show the confusion matrix, and the pictures of the mistake that is chosen in it."""
    assert job.pictures is not None
    pairs = core.mistakes(result.confusion, _MOST_MISTAKES)
    if not pairs:
        st.success("No mistakes.", icon=":material/check:")
        return
    if job.mistake is None or job.mistake[0] == job.mistake[1] or not result.confusion[job.mistake]:
        job.mistake = pairs[0]
    elif job.mistake not in pairs:
        pairs.append(job.mistake)
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        _show_matrix(job, result, job.pictures.class_names)
    with right:
        _show_choice(job, result, pairs)
        _show_confused(job.pictures, answers, *job.mistake)


def _show_matrix(job: Job, result: EvaluationResult, names: tuple[str, ...]) -> None:
    shown = core.most_confused(result.confusion, _MOST_IN_MATRIX)
    if len(shown) < len(names):
        st.caption(f"The {_MOST_IN_MATRIX} most confused of {len(names)} classes.")
    st.caption("Green squares on the diagonal are correct answers; orange squares are mistakes. Click one.")
    figure = confusion_matrix(result.confusion[np.ix_(shown, shown)], [names[i] for i in shown])
    st.plotly_chart(
        figure,
        key="ev_matrix",
        config=STILL,
        on_select=guarded_callback(_matrix_selector(job, shown)),
        selection_mode="points",
    )


def _matrix_selector(job: Job, shown: list[int]) -> Callable[[], None]:
    def select() -> None:
        event: Any = st.session_state["ev_matrix"]
        points = event["selection"]["points"]
        if points:
            true, answered = points[0]["customdata"][:2]
            job.mistake = (shown[int(true)], shown[int(answered)])

    return select


def _show_choice(job: Job, result: EvaluationResult, pairs: list[tuple[int, int]]) -> None:
    assert job.pictures is not None
    names = job.pictures.class_names
    st.session_state["ev_mistake"] = job.mistake
    st.selectbox(
        "Mistake",
        pairs,
        key="ev_mistake",
        format_func=lambda pair: (
            f"{names[pair[0]]} taken for {names[pair[1]]} ({count(int(result.confusion[pair]), 'time')})"
        ),
        help="You can also click an orange square of the table.",
        on_change=guarded_callback(_choose_mistake),
        args=(job,),
    )


def _choose_mistake(job: Job) -> None:
    job.mistake = st.session_state["ev_mistake"]


def _show_confused(pictures: Pictures, answers: Answers, true: int, answered: int) -> None:
    found = core.confused_images(answers, true, answered)
    st.markdown(f"**Shown: {markdown(pictures.class_names[true])}**")
    tiles = [
        Tile(str(c.row), pictures.thumbnails[c.row], pictures.names[c.row], note=f"{c.times} of {c.asked}")
        for c in found[:_SHOWN]
    ]
    picture_grid(tiles, key="ev_confused", label="Pictures that were taken for another class", size="medium")
    st.caption("How often each was taken for the other class, out of all the times it was shown.")
    st.markdown(f"**Answered: {markdown(pictures.class_names[answered])}**")
    others = [row for row, label in enumerate(pictures.labels.tolist()) if label == answered]
    tiles = [Tile(str(row), pictures.thumbnails[row], pictures.names[row]) for row in others]
    picture_grid(
        tiles[:_SHOWN_OF_ANSWER],
        key="ev_confused_with",
        label="Pictures of the class in the answer",
        size="medium",
    )
