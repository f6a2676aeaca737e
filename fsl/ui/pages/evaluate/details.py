"""Details of one contender: accuracy by class, confidence, unknown classes, ways and shots."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fsl.base.text import percent, similarity_text
from fsl.charts.evaluation import (
    class_accuracies,
    grid_heat_map,
    open_set_histograms,
    reliability_diagram,
)
from fsl.charts.style import STILL
from fsl.ui.pages.evaluate.job import Job
from fsl.ui.pages.evaluate.run import start_grid
from fsl.ui.shared import core
from fsl.ui.shared.kept_button import kept_button
from fsl.ui.shared.work import show_progress

if TYPE_CHECKING:
    from fsl.fewshot.answers import Answers
    from fsl.fewshot.evaluate import EvaluationResult

_GRID_WAYS = (2, 5, 10, 20)
_GRID_SHOTS = (1, 2, 3, 5, 10)
_CLEAR_GAP = 0.01


def show_classes(job: Job, result: EvaluationResult) -> None:
    """Show the accuracy on each class."""
    assert job.pictures is not None
    asked = result.confusion.sum(1)
    order = [int(i) for i in np.argsort(result.per_class) if asked[i]]
    st.caption("Share of each class's pictures that were recognised; the hardest class is on top.")
    figure = class_accuracies(
        [job.pictures.class_names[i] for i in order],
        [float(result.per_class[i]) for i in order],
        [int(asked[i]) for i in order],
    )
    st.plotly_chart(figure, key="ev_classes", config=STILL)


def show_confidence(job: Job, name: str, answers: Answers) -> None:
    """Show how far a contender's probabilities can be trusted."""
    found = core.reliability(answers.confidence, answers.right)
    if not job.checkpoint(name).info.calibrations:
        st.caption("This one was never calibrated: its probabilities only rank the classes.")
    claimed, correct = float(answers.confidence.mean()), float(answers.right.mean())
    tone = "overconfident" if claimed > correct else "underconfident"
    verdict = tone if abs(claimed - correct) >= _CLEAR_GAP else "as confident as it should be"
    st.markdown(
        f"On average it is {verdict}: it claimed **{claimed:.1%}** and got **{correct:.1%}** correct. Its "
        f"expected calibration error is **{found.error:.1%}**."
    )
    figure = reliability_diagram(found.confidence, found.accuracy, found.counts)
    st.plotly_chart(figure, key="ev_reliability", config=STILL)
    st.caption("On the dotted line, “80% sure” is correct 80% of the time. Darker bars hold more answers.")


def show_unknown_classes(job: Job, name: str, answers: Answers) -> None:
    """Show how well similarity tells pictures of known classes from pictures of unknown ones."""
    unknown = answers.unknown_similarity
    if unknown is None:
        st.info(
            "Every test uses all classes, so none is left to be unknown. "
            f"{_how_to_hold_out_a_class(job.config.n_way)}: each test then draws one more class and leaves "
            "it out of the examples.",
            icon=":material/info:",
        )
        return
    info = job.checkpoint(name).info
    threshold = info.calibration(info.rule).unknown_threshold if info.calibrations else None
    area = core.auroc(answers.similarity, unknown)
    text = (
        "Each test also asks about one class that is not among the examples. A picture of it is less similar "
        f"to its best match than a picture of a known class in **{percent(area)}** of all comparisons "
        f"(AUROC {similarity_text(area)})."
    )
    if threshold is not None:
        refused = float((answers.similarity < threshold).mean())
        let_in = float((unknown >= threshold).mean())
        text += (
            f" At the network's limit of {threshold:.2f}, {percent(refused)} of known pictures are called "
            f"unknown and {percent(let_in)} of unknown ones get a class."
        )
    st.markdown(text)
    figure = open_set_histograms(answers.similarity, unknown, threshold)
    st.plotly_chart(figure, key="ev_unknown_classes", config=STILL)


def _how_to_hold_out_a_class(n_way: int) -> str:
    return f"Ask for fewer than {n_way} classes (ways)" if n_way > 2 else "Add a third class"


def show_grid(job: Job, name: str) -> None:
    """Show a contender's accuracy by ways and shots, or offer to measure it."""
    work = job.grids.get(name)
    if work is None or work.is_cancelled:  # cancelled while nobody looked at the tab
        st.markdown("More classes are harder to tell apart; more examples help. By how much?")
        with kept_button("Measure", "ev_grid", icon=":material/grid_on:") as is_pressed:
            if not is_pressed:
                return
            work = start_grid(job, name, *_grid_axes(job))
    if not work.wait_at_first():
        show_progress(work)
        return
    if not work.has_result:
        del job.grids[name]  # the next click may measure it again
    cells = work.result()
    found = {
        (c.n_way, c.n_shot): None if c.accuracy is None or c.ci95 is None else (c.accuracy, c.ci95)
        for c in cells
    }
    ways, shots = _distinct(c.n_way for c in cells), _distinct(c.n_shot for c in cells)
    st.plotly_chart(grid_heat_map(ways, shots, found), key="ev_grid_map", config=STILL)
    st.caption(
        f"Share of correct answers with its 95% interval: {job.grid_config.n_episodes} tests per square, one "
        "question per class. No picture is embedded again. –: too few pictures."
    )


def _distinct(values: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(values))


def _grid_axes(job: Job) -> tuple[tuple[int, ...], tuple[int, ...]]:
    assert job.pictures is not None
    counts = np.bincount(job.pictures.labels)
    n_classes, most = int((counts > 1).sum()), int(counts.max())
    ways = sorted({min(way, n_classes) for way in _GRID_WAYS} | {min(job.config.n_way, n_classes)})
    shots = sorted({shot for shot in (*_GRID_SHOTS, job.config.n_shot) if shot < most})
    return tuple(ways), tuple(shots)
