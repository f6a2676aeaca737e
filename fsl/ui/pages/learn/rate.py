"""Step 6: the article's lesson in three recorded runs that differ only in their learning rate."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from fsl.training.events import Evaluation, Started, Step, TrainEvent
from fsl.training.lesson import Lesson, RecordedRun, recorded_lesson
from fsl.ui.components.curve import Axes, ChartOptions, Line, curves
from fsl.ui.pages.learn.settings import BATCHES, BET
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.run_curves import GUESSING_LOSS
from fsl.ui.shared.run_labels import VERDICT_BADGES, learning_rate_text

_REPORTED_EVERY = 5  # batches


def show_rate(state: LearnState) -> None:
    """Ask for a bet, then show the curves up to a chosen batch and a verdict on each run."""
    st.header("The step size decides whether it learns at all", anchor=False)
    st.markdown(
        "After each batch, training moves every weight a little against its slope. The **learning rate** "
        "says how far. The article's authors watched a run whose loss stayed at one constant value from "
        "beginning to end. Nothing crashed and no error appeared: the rate was simply too high."
    )
    _experiment()


@st.fragment
def _experiment() -> None:
    with guarded():
        lesson = recorded_lesson()
        titles = {run.learning_rate: learning_rate_text(run.learning_rate) for run in lesson.runs}
        bet = st.segmented_control(**replace(BET, options=titles).widget(), required=True)
        if bet is None:
            st.info("Choose a rate, and the curves appear below.", icon=":material/arrow_upward:")
            return
        _show_runs(bet, lesson)


def _show_runs(bet: float, lesson: Lesson) -> None:
    ends = {run.learning_rate: core.judge(_until(run, _length(run))) for run in lesson.runs}
    lost = [rate for rate, verdict in ends.items() if verdict.kind == "stalled"]
    answer = " and ".join(learning_rate_text(rate) for rate in lost)
    verdict = "Right" if bet in lost else "No"
    st.markdown(f"**{verdict}: it is {answer}.** Watch how soon you could have known:")
    length = max(_length(run) for run in lesson.runs)
    batches = int(st.slider(**replace(BATCHES, span=(_REPORTED_EVERY, length, _REPORTED_EVERY)).widget()))
    curves(
        [_line(run, batches) for run in lesson.runs],
        key="learn_rate_curve",
        label="Loss by batch at each learning rate",
        axes=Axes(x_max=length),
        options=ChartOptions((GUESSING_LOSS,), smoothable=False),
    )
    for column, run in zip(st.columns(len(lesson.runs)), lesson.runs, strict=True):
        with column, st.container(border=True, height="stretch"):
            _show_run(run, batches)
    st.caption(
        f"Recorded by `{lesson.command}`. Trained on {markdown(lesson.trained_on)}; tested on "
        f"{markdown(lesson.tested_on)}. The badges are the program's verdicts."
    )


def _length(run: RecordedRun) -> int:
    """Return the number of batches."""
    return max(event.step for event in run.events if isinstance(event, Step))


def _until(run: RecordedRun, batches: int) -> list[TrainEvent]:
    """Return the events up to that batch."""
    return [
        event
        for event in run.events
        if isinstance(event, Started) or (isinstance(event, Step | Evaluation) and event.step <= batches)
    ]


def _line(run: RecordedRun, batches: int) -> Line:
    steps = [event for event in _until(run, batches) if isinstance(event, Step)]
    losses = [step.loss for step in steps]
    return Line(
        f"rate {learning_rate_text(run.learning_rate)}",
        [step.step for step in steps],
        losses,
        losses,  # not smoothed, which would hide how soon a run stalls
    )


def _show_run(run: RecordedRun, batches: int) -> None:
    known = _until(run, batches)
    verdict = core.judge(known)
    tests = [event for event in known if isinstance(event, Evaluation)]
    st.markdown(f"**Rate {learning_rate_text(run.learning_rate)}**")
    st.markdown(VERDICT_BADGES[verdict.kind])
    st.caption(markdown(verdict.evidence))
    if tests:
        best, last = max(tests, key=lambda t: t.accuracy), tests[-1]
        st.caption(
            f"Test accuracy on {last.n_way} classes it never trained on: {last.accuracy:.0%} now, "
            f"{best.accuracy:.0%} at best; guessing gives {1 / last.n_way:.0%}."
        )
