"""The figures of an evaluation: the overview, and the details of one contender in tabs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, margin_text, similarity_text
from fsl.charts.evaluation import interval_bars
from fsl.charts.style import STILL
from fsl.config import COSINE, PIXELS, UNTRAINED
from fsl.ui.pages.evaluate.details import show_classes, show_confidence, show_grid, show_unknown_classes
from fsl.ui.pages.evaluate.downloads import show_downloads
from fsl.ui.pages.evaluate.job import Job
from fsl.ui.pages.evaluate.mistakes import show_mistakes
from fsl.ui.shared import core, wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_callback

if TYPE_CHECKING:
    from fsl.fewshot.answers import Answers
    from fsl.fewshot.evaluate import EvaluationResult
    from fsl.twin.checkpoint import Checkpoint

_CALIBRATION_ERROR = "Calibration error"
_UNKNOWN_CLASSES = "Detects unknown classes"
Results = dict[str, "EvaluationResult"]


def title_of(name: str) -> str:
    """Return the name of a contender for the screen; plain text."""
    if name == PIXELS:
        return "Pixels alone"
    if name.startswith(UNTRAINED):
        return f"{name.removeprefix(UNTRAINED)}, untrained"
    if name.startswith(COSINE):
        return f"{name.removeprefix(COSINE)} backbone, cosine"
    return name


@st.fragment
def show_results(job: Job) -> None:
    """Show all results; a click in them runs this part of the page alone."""
    with guarded():
        assert job.pictures is not None
        if job.notes:
            st.warning("  \n".join(map(markdown, job.notes)), icon=":material/info:")
        names = [one.name for one in job.contenders]
        titles = {name: title_of(name) for name in names}
        n_classes = len(job.pictures.class_names)
        results = {name: answers.result(n_classes) for name, answers in zip(names, job.answers, strict=True)}
        _show_headline(job, titles, results)
        _show_bars(job, titles, results)
        _show_reference(job, titles)
        _show_table(job, titles, results)
        _show_choice_of_details(job, titles)
        _show_details(job, results)


def _show_headline(job: Job, titles: dict[str, str], results: Results) -> None:
    first, result = next(iter(results.items()))
    c = job.config
    shots = count(c.n_shot, "example")
    st.markdown(
        f"## {markdown(titles[first])}: {result.accuracy:.1%} correct{margin_text(result.ci95)}",
        help=wording.OF_THE_KIND,
    )
    stopped = f" of {c.n_episodes:,}, stopped early" if job.n_done < c.n_episodes else ""
    st.caption(
        f"{c.n_way} classes to choose from, {shots} of each, {count(job.n_done, 'test')}{stopped}, "
        f"in {job.seconds:.1f} s. Guessing gets {1 / c.n_way:.0%} correct."
    )


def _show_bars(job: Job, titles: dict[str, str], results: Results) -> None:
    figure = interval_bars(
        [titles[name] for name in results],
        [result.accuracy for result in results.values()],
        [result.ci95 for result in results.values()],
        1 / job.config.n_way,
    )
    st.plotly_chart(figure, key="ev_bars", config=STILL)


def _show_reference(job: Job, titles: dict[str, str]) -> None:
    """Offer the choice of the reference if there are several others to compare with it."""
    if len(titles) < 3:
        return
    st.session_state["ev_reference"] = job.reference
    st.selectbox(
        "Compare with",
        list(titles),
        key="ev_reference",
        format_func=lambda name: titles[name],
        on_change=guarded_callback(_compare_with),
        args=(job,),
    )


def _compare_with(job: Job) -> None:
    job.reference = st.session_state["ev_reference"]


def _show_table(job: Job, titles: dict[str, str], results: Results) -> None:
    against = f"Compared with {titles[job.reference]}"
    rows = [
        {
            "Network": titles[name],
            "Correct": f"{result.accuracy:.1%}{margin_text(result.ci95)}",
            against: "–" if name == job.reference else _difference(result, results[job.reference]),
            _CALIBRATION_ERROR: _calibration_error(answers, checkpoint),
            _UNKNOWN_CLASSES: _unknown_area(answers),
        }
        for (name, result), answers, checkpoint in zip(
            results.items(), job.answers, job.checkpoints, strict=True
        )
    ]
    helps = {
        against: "The difference on the same tests, with a 95% interval that counts the pictures, too.",
        _CALIBRATION_ERROR: (
            "Expected calibration error: how far, on average, “90% sure” is from being correct 90% of the "
            "time. – where the probabilities were never calibrated."
        ),
        _UNKNOWN_CLASSES: (
            "AUROC: how well similarity tells pictures of the classes from pictures of other classes. "
            "1 = always, 0.5 = by chance. – where every test uses all classes."
        ),
    }
    columns = {name: st.column_config.TextColumn(name, help=text) for name, text in helps.items()}
    st.dataframe(rows, key="ev_table", hide_index=True, column_config=columns, width="stretch")


def _difference(result: EvaluationResult, reference: EvaluationResult) -> str:
    difference = core.paired_difference(result.asked, reference.asked)
    gap = f"{abs(difference.mean):.1%}"
    if not math.isnan(difference.ci95):
        gap += margin_text(difference.ci95)
    if not difference.is_clear:
        return f"no clear difference: {gap}"
    return f"{'better' if difference.mean > 0 else 'worse'} by {gap}"


def _calibration_error(answers: Answers, checkpoint: Checkpoint) -> str:
    if not checkpoint.info.calibrations:
        return "–"
    return f"{core.reliability(answers.confidence, answers.right).error:.1%}"


def _unknown_area(answers: Answers) -> str:
    unknown = answers.unknown_similarity
    return "–" if unknown is None else similarity_text(core.auroc(answers.similarity, unknown))


def _show_choice_of_details(job: Job, titles: dict[str, str]) -> None:
    if len(titles) < 2:
        return
    st.session_state["ev_look"] = job.looked_at
    st.segmented_control(
        "Details of",
        list(titles),
        key="ev_look",
        format_func=lambda name: markdown(titles[name]),  # unlike a select box, this reads Markdown
        on_change=guarded_callback(_look),
        args=(job,),
        wrap=True,
    )


def _look(job: Job) -> None:
    job.looked_at = st.session_state["ev_look"] or job.looked_at
    job.mistake = None


def _show_details(job: Job, results: Results) -> None:
    name = job.looked_at
    answers = job.answers[list(results).index(name)]
    parts: dict[str, Callable[[], None]] = {
        "Mistakes": lambda: show_mistakes(job, answers, results[name]),
        "Classes": lambda: show_classes(job, results[name]),
        "Confidence": lambda: show_confidence(job, name, answers),
        "Unknown classes": lambda: show_unknown_classes(job, name, answers),
        "Ways and shots": lambda: show_grid(job, name),
        "Files": lambda: show_downloads(job, name, results),
    }
    for tab, show in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab, guarded():
            show()
