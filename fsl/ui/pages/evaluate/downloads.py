"""The results of an evaluation as files, and the commands that repeat it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.pages.evaluate.job import Job
from fsl.ui.pages.evaluate.sources import data_option
from fsl.ui.shared import core
from fsl.ui.shared.downloads import Download, download_buttons
from fsl.ui.shared.sources import CLASSIFY, kind_of, zip_of

if TYPE_CHECKING:
    from fsl.fewshot.evaluate import EvaluationResult


def show_downloads(job: Job, name: str, results: dict[str, EvaluationResult]) -> None:
    """Show a download button for each table and a command for each contender."""
    _show_tables(job, name, results)
    st.markdown("**The same on the command line**")
    _show_commands(job, name)


def _show_tables(job: Job, name: str, results: dict[str, EvaluationResult]) -> None:
    pictures = job.pictures
    assert pictures is not None
    classes, n_classes = pictures.class_names, len(pictures.class_names)
    answers = {one.name: given for one, given in zip(job.contenders, job.answers, strict=True)}
    grid = job.measured_grid(name)
    with st.container(horizontal=True):
        _csv("Summary", "summary", lambda: core.summary_csv(answers, n_classes, job.config, job.reference))
        _csv("Confusions and classes", "confusions", lambda: core.confusion_csv(results, classes))
        _csv("Mistaken pictures", "mistakes", lambda: core.confused_csv(answers, classes, pictures.names))
        _csv("Confidence", "confidence", lambda: core.reliability_csv(answers))
        if any(given.unknown_similarity is not None for given in answers.values()):
            _csv("Unknown classes", "unknown-classes", lambda: core.open_set_csv(answers))
        _csv("Every test", "tests", lambda: core.episodes_csv(answers))
        if grid is not None:
            _csv("Ways and shots", "ways-and-shots", lambda: core.grid_csv(grid))


def _show_commands(job: Job, name: str) -> None:
    request, grid = job.request, job.measured_grid(name)
    source = request.source
    data = data_option(source)
    if kind_of(source.key) == CLASSIFY:
        pictures = partial(zip_of, source)
        about = "The commands below use this file."
        download_buttons([Download("The pictures (zip)", pictures, data, "ev_get_pictures", about)])
    which = source.list_spec(request.classes) if request.classes else ""
    per_class = request.per_class
    commands = [core.evaluate_command(data, one, job.config, which, per_class) for one in request.names]
    if grid is not None:
        commands.append(core.grid_command(data, name, grid, job.grid_config, which, per_class))
    st.code("\n".join(commands), language="sh", wrap_lines=True)
    if job.n_done < job.config.n_episodes:
        why = "You stopped early" if job.is_stopped else "The evaluation was interrupted"
        st.caption(f"{why}. The command runs all tests, so its figures differ slightly.")


def _csv(title: str, name: str, make: Callable[[], str]) -> None:
    download_buttons([Download(f"{title} (CSV)", make, f"evaluation-{name}.csv", f"ev_get_{name}")])
