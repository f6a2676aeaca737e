"""Step 6: the article's lesson in three recorded runs that differ only in their learning rate."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from fsl.training.events import Evaluation, Step, Verdict
from fsl.training.lesson import Lesson, RecordedRun
from fsl.ui.components.curve import Axes, ChartOptions, Line, curves
from fsl.ui.pages.learn.settings import BET
from fsl.ui.pages.learn.state import LearnState
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.lesson_map import events_until, lesson_in_memory, show_lesson_maps
from fsl.ui.shared.run_curves import GUESSING_LOSS
from fsl.ui.shared.run_labels import VERDICT_BADGES, advice, learning_rate_text

_MAP_HEIGHT = 290


def show_rate(state: LearnState) -> None:
    """Ask for a bet, then play the runs: their maps and curves, and a verdict on each at the end."""
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
        lesson = lesson_in_memory()
        titles = {run.learning_rate: learning_rate_text(run.learning_rate) for run in lesson.runs}
        bet = st.segmented_control(**replace(BET, options=titles).widget(), required=True)
        if bet is None:
            st.info("Choose a rate, and the curves appear below.", icon=":material/arrow_upward:")
            return
        _show_runs(bet, lesson)


def _show_runs(bet: float, lesson: Lesson) -> None:
    ends = {run.learning_rate: core.judge(events_until(run, _length(run))) for run in lesson.runs}
    lost = [rate for rate, verdict in ends.items() if verdict.kind == "stalled"]
    answer = " and ".join(learning_rate_text(rate) for rate in lost)
    verdict = "Right" if bet in lost else "Not that one"
    st.markdown(
        f"**{verdict}: it is {answer}.** Press **Play** and watch how soon you could have known. The maps "
        "show the same test pictures, close together where the network finds them similar."
    )
    player = show_lesson_maps(lesson, "learn_rate", _MAP_HEIGHT)
    st.markdown("**Loss**: how wrong each network is on the batch it learns from.")
    curves(
        [_line(run) for run in lesson.runs],
        key="learn_rate_curve",
        label="Loss by batch at each learning rate",
        axes=Axes(x_max=max(_length(run) for run in lesson.runs)),
        options=ChartOptions((GUESSING_LOSS,), smoothable=False, player=player, reveal=True),
    )
    st.markdown("**At the end:**")
    for column, run in zip(st.columns(len(lesson.runs)), lesson.runs, strict=True):
        with column, st.container(border=True, height="stretch"):
            _show_end(run, ends[run.learning_rate])
    st.caption(
        f"Recorded by `{lesson.command}`. Trained on {markdown(lesson.trained_on)}; tested on "
        f"{markdown(lesson.tested_on)}. The badges are the program's verdicts."
    )


def _length(run: RecordedRun) -> int:
    """Return the number of batches."""
    return max(event.step for event in run.events if isinstance(event, Step))


def _line(run: RecordedRun) -> Line:
    steps = [event for event in run.events if isinstance(event, Step)]
    losses = [step.loss for step in steps]
    return Line(
        f"rate {learning_rate_text(run.learning_rate)}",
        [step.step for step in steps],
        losses,
        losses,  # not smoothed, which would hide how soon a run stalls
    )


def _show_end(run: RecordedRun, verdict: Verdict) -> None:
    tests = [event for event in run.events if isinstance(event, Evaluation)]
    first, last = tests[0], tests[-1]
    st.markdown(f"**Rate {learning_rate_text(run.learning_rate)}**")
    st.markdown(VERDICT_BADGES[verdict.kind])
    said = advice(verdict, run.learning_rate, first, core.best_test(run.events))
    st.caption(f"{markdown(verdict.evidence)} **{said}**")
    st.caption(
        f"Test accuracy on {last.n_way} classes it never trained on: {first.accuracy:.0%} before training, "
        f"{last.accuracy:.0%} after; guessing gives {1 / last.n_way:.0%}."
    )
