"""Step 6: the article's lesson, three recorded runs that differ in nothing but the learning rate."""

from __future__ import annotations

import streamlit as st

from fsl.training.events import Evaluation, Step, Verdict
from fsl.training.lesson import Lesson, RecordedRun, recorded_lesson
from fsl.ui.components.curve import Line, curves
from fsl.ui.escape import markdown
from fsl.ui.training.form import rate_text
from fsl.ui.training.live import ICONS, LN2


def show_rate(state: object) -> None:
    """The curves, and a verdict on each."""
    lesson = recorded_lesson()
    st.subheader("The step size decides whether it learns at all", anchor=False)
    st.markdown(
        "After each batch every weight moves a little against its slope; the **learning rate** says how far. "
        "The article's authors watched a run whose loss stayed at one constant value from beginning to end. "
        "Nothing crashed, nothing was marked red: only the rate was too high."
    )
    st.markdown("**Loss** of three runs with the same network, the same seed and the same batches.")
    curves(
        [_line(run) for run in lesson.runs],
        key="learn_rate_curve",
        label="Loss by batch at each learning rate",
        levels=(LN2,),
        smoothable=False,
        height=300,
    )
    for column, run in zip(st.columns(len(lesson.runs)), lesson.runs, strict=True):
        with column, st.container(border=True, height="stretch"):
            _show_run(run)
    st.caption(_origin(lesson))


def _line(run: RecordedRun) -> Line:
    steps = [event for event in run.events if isinstance(event, Step)]
    losses = [step.loss for step in steps]
    return Line(
        f"rate {rate_text(run.learning_rate)}",
        [step.step for step in steps],
        losses,
        losses,  # as it was: smoothing would hide how soon a run stalls
    )


def _show_run(run: RecordedRun) -> None:
    verdict = [event for event in run.events if isinstance(event, Verdict)][-1]
    tests = [event for event in run.events if isinstance(event, Evaluation)]
    st.markdown(f"**Rate {rate_text(run.learning_rate)}**")
    st.markdown(ICONS[verdict.kind])
    st.caption(markdown(verdict.evidence))
    if tests:
        best, last = max(tests, key=lambda t: t.accuracy), tests[-1]
        guess = f"{1 / last.n_way:.0%}"
        st.caption(
            f"Test on classes never trained on ({last.n_way}-way {last.n_shot}-shot): {last.accuracy:.0%} at "
            f"the end, {best.accuracy:.0%} at best; guessing gives {guess}."
        )


def _origin(lesson: Lesson) -> str:
    return (
        f"Recorded by `{lesson.command}`. Trained on {markdown(lesson.trained_on)}, tested on "
        f"{markdown(lesson.tested_on)}. The badges are the program's own verdicts."
    )
