"""The figures of an evaluation, for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fsl.base.text import count
from fsl.charts.evaluation import (
    class_accuracies,
    confusion_matrix,
    grid_heat_map,
    interval_bars,
    open_set_histograms,
    reliability_diagram,
)
from fsl.charts.style import STILL
from fsl.ui.components.pictures import Tile, picture_grid
from fsl.ui.pages.evaluate.downloads import show_downloads
from fsl.ui.pages.evaluate.form import title_of
from fsl.ui.pages.evaluate.job import Job, Pictures, grid_config, measure_grid
from fsl.ui.shared import core, wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_callback

if TYPE_CHECKING:
    from fsl.fewshot.answers import Answers
    from fsl.fewshot.evaluate import EvaluationResult

_MOST_IN_MATRIX = 40
_MOST_MISTAKES = 60
_SHOWN = 24
_GRID_WAYS = (2, 5, 10, 20)
_GRID_SHOTS = (1, 2, 3, 5, 10)


@st.fragment
def show_results(job: Job) -> None:
    """Everything that was found; a click runs this part of the page alone."""
    with guarded():
        assert job.pictures is not None
        for note in job.notes:
            st.warning(markdown(note), icon=":material/info:")
        names = [one.name for one in job.contenders]
        titles = {name: title_of(name) for name in names}
        n_classes = len(job.pictures.class_names)
        results = {name: answers.result(n_classes) for name, answers in zip(names, job.answers, strict=True)}
        _show_headline(job, titles, results)
        _show_bars(job, titles, results)
        _show_table(job, titles, results)
        _show_details(job, titles, results)


def _show_headline(job: Job, titles: dict[str, str], results: dict[str, EvaluationResult]) -> None:
    first, result = next(iter(results.items()))
    c = job.config
    shots = count(c.n_shot, "example")
    st.markdown(
        f"## {markdown(titles[first])}: {result.accuracy:.1%} right ± {result.ci95:.1%}",
        help=wording.PLUS_MINUS,
    )
    stopped = f" of {c.n_episodes:,}, stopped early" if job.n_done < c.n_episodes else ""
    st.caption(
        f"{c.n_way} classes to choose from, {shots} of each, {count(job.n_done, 'test')}{stopped}, "
        f"in {job.seconds:.1f} s. Guessing would be right in {1 / c.n_way:.0%}."
    )


def _show_bars(job: Job, titles: dict[str, str], results: dict[str, EvaluationResult]) -> None:
    figure = interval_bars(
        [titles[name] for name in results],
        [result.accuracy for result in results.values()],
        [result.ci95 for result in results.values()],
        1 / job.config.n_way,
    )
    st.plotly_chart(figure, key="ev_bars", config=STILL)


def _show_table(job: Job, titles: dict[str, str], results: dict[str, EvaluationResult]) -> None:

    _show_reference(job, titles)
    base = results[job.reference].episode_accuracy
    against = f"Against {titles[job.reference]}"
    rows: list[dict[str, str]] = []
    for (name, result), answers, checkpoint in zip(
        results.items(), job.answers, job.checkpoints, strict=True
    ):
        difference = core.paired_difference(result.episode_accuracy, base)
        verdict = "better" if difference.mean > 0 else "worse"
        gap = f"{abs(difference.mean):.1%} ± {difference.ci95:.1%}"
        said = f"{verdict} by {gap}" if difference.is_clear else f"no clear difference ({gap})"
        strangers = answers.unknown_similarity
        calibrated = bool(checkpoint.info.calibrations)
        error = f"{core.reliability(answers.confidence, answers.right).error:.1%}" if calibrated else "–"
        rows.append(
            {
                "Network": titles[name],
                "Right": f"{result.accuracy:.1%} ± {result.ci95:.1%}",
                against: "–" if name == job.reference else said,
                "Over- or under-confident by": error,
                "Spots strangers": "–"
                if strangers is None
                else f"{core.auroc(answers.similarity, strangers):.3f}",
            }
        )
    helps = {
        against: "The difference on the same tests, with its own 95% interval.",
        "Over- or under-confident by": (
            "Expected calibration error: how far, on average, “90% sure” is from being right in 90%. "
            "– for what never claimed to know its probabilities."
        ),
        "Spots strangers": (
            "AUROC: how well similarity tells pictures of the classes from pictures of none of them. "
            "1 = always, 0.5 = not at all. – where all classes are in the test, so that nobody is a stranger."
        ),
    }
    columns = {name: st.column_config.TextColumn(name, help=text) for name, text in helps.items()}
    st.dataframe(rows, key="ev_table", hide_index=True, column_config=columns, width="stretch")


def _show_reference(job: Job, titles: dict[str, str]) -> None:
    """The choice of whom the table compares with, where there are several others to compare."""
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


def _show_details(job: Job, titles: dict[str, str], results: dict[str, EvaluationResult]) -> None:
    if len(results) > 1:
        st.session_state["ev_look"] = job.looked_at
        st.segmented_control(
            "Look closer at",
            list(results),
            key="ev_look",
            format_func=lambda name: titles[name],
            on_change=guarded_callback(_look),
            args=(job,),
            wrap=True,
        )
    name = job.looked_at
    answers = job.answers[list(results).index(name)]
    tabs = st.tabs(["Mistakes", "Classes", "How sure", "Strangers", "Ways and shots", "Files"])
    parts: list[Callable[[], None]] = [
        lambda: _show_mistakes(job, answers, results[name]),
        lambda: _show_classes(job, results[name]),
        lambda: _show_sureness(job, name, answers),
        lambda: _show_unknown_classes(job, name, answers),
        lambda: _show_grid(job, name),
        lambda: show_downloads(job, name, results),
    ]
    for tab, part in zip(tabs, parts, strict=True):
        with tab, guarded():
            part()


def _look(job: Job) -> None:
    job.looked_at = st.session_state["ev_look"] or job.looked_at
    job.mistake = None


def _show_mistakes(job: Job, answers: Answers, result: EvaluationResult) -> None:

    assert job.pictures is not None
    names = job.pictures.class_names
    pairs = core.mistakes(result.confusion, _MOST_MISTAKES)
    if not pairs:
        st.success("Not a single mistake.", icon=":material/check:")
        return
    if job.mistake is None or job.mistake[0] == job.mistake[1] or not result.confusion[job.mistake]:
        job.mistake = pairs[0]
    elif job.mistake not in pairs:
        pairs.append(job.mistake)
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        shown = core.most_confused(result.confusion, _MOST_IN_MATRIX)
        if len(shown) < len(names):
            st.caption(f"The {_MOST_IN_MATRIX} most confused of {len(names)} classes.")
        st.caption("Down the diagonal, green: right. Beside it, orange: mistakes. Click one to see it.")
        figure = confusion_matrix(result.confusion[np.ix_(shown, shown)], [names[i] for i in shown])
        st.plotly_chart(
            figure,
            key="ev_matrix",
            config=STILL,
            on_select=guarded_callback(_matrix_selector(job, shown)),
            selection_mode="points",
        )
    with right:
        st.session_state["ev_mistake"] = job.mistake
        st.selectbox(
            "Mistake",
            pairs,
            key="ev_mistake",
            format_func=lambda pair: (
                f"{names[pair[0]]} taken for {names[pair[1]]} ({count(int(result.confusion[pair]), 'time')})"
            ),
            help="Or click a square of the table: all but those on the diagonal are mistakes.",
            on_change=guarded_callback(_choose_mistake),
            args=(job,),
        )
        _show_confused(job.pictures, answers, *job.mistake)


def _matrix_selector(job: Job, shown: list[int]) -> Callable[[], None]:
    def select() -> None:
        event: Any = st.session_state["ev_matrix"]
        points = event["selection"]["points"]
        if points:
            true, answered = points[0]["customdata"][:2]
            job.mistake = (shown[int(true)], shown[int(answered)])

    return select


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
    st.caption("How often each was taken for the other class, of the times it was shown.")
    st.markdown(f"**Answered: {markdown(pictures.class_names[answered])}**")
    others = [row for row, label in enumerate(pictures.labels.tolist()) if label == answered]
    tiles = [Tile(str(row), pictures.thumbnails[row], pictures.names[row]) for row in others[:6]]
    picture_grid(tiles, key="ev_confused_with", label="Pictures of the class answered", size="medium")


def _show_classes(job: Job, result: EvaluationResult) -> None:

    assert job.pictures is not None
    asked = result.confusion.sum(1)
    order = [int(i) for i in np.argsort(result.per_class) if asked[i]]
    st.caption("How often pictures of each class were recognised; the hardest class on top.")
    figure = class_accuracies(
        [job.pictures.class_names[i] for i in order],
        [float(result.per_class[i]) for i in order],
        [int(asked[i]) for i in order],
    )
    st.plotly_chart(figure, key="ev_classes", config=STILL)


def _show_sureness(job: Job, name: str, answers: Answers) -> None:

    checkpoint = next(c for one, c in zip(job.contenders, job.checkpoints, strict=True) if one.name == name)
    found = core.reliability(answers.confidence, answers.right)
    if not checkpoint.info.calibrations:
        st.caption("This one was never calibrated: its probabilities are no more than a ranking.")
    said = float(answers.confidence.mean())
    right = float(answers.right.mean())
    tone = "too sure of itself" if said > right else "too modest"
    verdict = f"On average {tone}" if abs(said - right) >= 0.01 else "On average as sure as it should be"
    st.markdown(
        f"{verdict}: it said **{said:.1%}** and was right in **{right:.1%}**. It is over- "
        f"or under-confident by **{found.error:.1%}** (expected calibration error)."
    )
    figure = reliability_diagram(found.confidence, found.accuracy, found.counts)
    st.plotly_chart(figure, key="ev_reliability", config=STILL)
    st.caption("On the dotted line, “80% sure” is right 80% of the time. Darker bars have more answers.")


def _show_unknown_classes(job: Job, name: str, answers: Answers) -> None:

    if answers.unknown_similarity is None:
        st.info(
            "All classes are in every test, so nobody is a stranger. "
            f"{_how_to_hold_out_a_class(job.config.n_way)}: "
            "then one class more is drawn each time and left out of the examples.",
            icon=":material/info:",
        )
        return
    checkpoint = next(c for one, c in zip(job.contenders, job.checkpoints, strict=True) if one.name == name)
    info = checkpoint.info
    threshold = info.calibration(info.rule).unknown_threshold if info.calibrations else None
    area = core.auroc(answers.similarity, answers.unknown_similarity)
    text = (
        "In each test one more class asks without being among the examples. A stranger is less similar to "
        f"the best class than a known one in **{area:.1%}** of all comparisons (AUROC {area:.3f})."
    )
    if threshold is not None:
        refused = float((answers.similarity < threshold).mean())
        let_in = float((answers.unknown_similarity >= threshold).mean())
        text += (
            f" At the network's limit of {threshold:.2f}, {refused:.0%} of known pictures are called unknown "
            f"and {let_in:.0%} of strangers get a class."
        )
    st.markdown(text)
    figure = open_set_histograms(answers.similarity, answers.unknown_similarity, threshold)
    st.plotly_chart(figure, key="ev_strangers", config=STILL)


def _how_to_hold_out_a_class(n_way: int) -> str:
    return f"Ask for fewer than {n_way} classes (ways)" if n_way > 2 else "Add a third class"


def _show_grid(job: Job, name: str) -> None:
    assert job.pictures is not None
    cells = job.grids.get(name)
    if cells is None:
        st.markdown("More classes are harder to tell apart, more examples of each help. How much?")
        # Where a click broke it off, it goes on by itself.
        if name not in job.grids_begun and not st.button(
            "Measure it", key="ev_grid", icon=":material/grid_on:"
        ):
            return
        ways, shots = _grid_axes(job)
        place, n = st.empty(), len(ways) * len(shots)
        for so_far in measure_grid(job, name, ways, shots):
            place.progress(len(so_far) / n, f"{len(so_far)} of {n}")
        place.empty()
        cells = job.grids[name]
    found = {
        (c.n_way, c.n_shot): None if c.accuracy is None or c.ci95 is None else (c.accuracy, c.ci95)
        for c in cells
    }
    ways_, shots_ = _distinct(c.n_way for c in cells), _distinct(c.n_shot for c in cells)
    st.plotly_chart(grid_heat_map(ways_, shots_, found), key="ev_grid_map", config=STILL)
    st.caption(
        f"Share of right answers with its 95% interval; {grid_config(job).n_episodes} tests "
        "a square, one question per class; no picture is looked at again. –: too few pictures."
    )


def _distinct(values: Any) -> list[int]:
    return list(dict.fromkeys(values))


def _grid_axes(job: Job) -> tuple[tuple[int, ...], tuple[int, ...]]:

    assert job.pictures is not None
    counts = np.bincount(job.pictures.labels)
    n_classes, most = int((counts > 1).sum()), int(counts.max())
    ways = sorted({min(way, n_classes) for way in _GRID_WAYS} | {min(job.config.n_way, n_classes)})
    shots = sorted({shot for shot in (*_GRID_SHOTS, job.config.n_shot) if shot < most})
    return tuple(ways), tuple(shots)
