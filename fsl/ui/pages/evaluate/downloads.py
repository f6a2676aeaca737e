"""An evaluation as files, and the commands that repeat it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.pages.evaluate.job import Job, grid_config
from fsl.ui.shared import core

if TYPE_CHECKING:
    from fsl.fewshot.evaluate import EvaluationResult


def show_downloads(job: Job, name: str, results: dict[str, EvaluationResult]) -> None:
    """A button per table, and a command per contender."""
    pictures = job.pictures
    assert pictures is not None
    classes, n_classes = pictures.class_names, len(pictures.class_names)
    answers = {one.name: given for one, given in zip(job.contenders, job.answers, strict=True)}
    grid = job.grids.get(name)
    with st.container(horizontal=True):
        _csv(
            "Summary",
            "summary",
            lambda: core.summary_csv(answers, n_classes, job.config, job.reference),
        )
        _csv("Confusions and classes", "confusions", lambda: core.confusion_csv(results, classes))
        _csv(
            "Mistaken pictures",
            "mistakes",
            lambda: core.confused_csv(answers, classes, pictures.names),
        )
        _csv("How sure", "sureness", lambda: core.reliability_csv(answers))
        if any(given.unknown_similarity is not None for given in answers.values()):
            _csv("Strangers", "strangers", lambda: core.open_set_csv(answers))
        _csv("Every test", "tests", lambda: core.episodes_csv(answers))
        if grid is not None:
            _csv("Ways and shots", "ways-and-shots", lambda: core.grid_csv(grid))
    st.markdown("**The same from a shell**")
    request = job.request
    source = request.source
    if source.archive is not None:
        st.download_button(
            "The pictures (zip)",
            source.archive,
            source.data,
            "application/zip",
            key="ev_get_pictures",
            on_click="ignore",
            help="What the commands below are about.",
        )
    which = dict(source.lists).get(request.classes, "")
    per_class = request.per_class
    commands = [core.evaluate_command(source.data, one, job.config, which, per_class) for one in answers]
    if grid is not None:
        commands.append(core.grid_command(source.data, name, grid, grid_config(job), which, per_class))
    st.code("\n".join(commands), language="sh", wrap_lines=True)
    if job.n_done < job.config.n_episodes:
        st.caption("You stopped early; the command makes all tests, so its figure differs a little.")


def _csv(title: str, name: str, make: Callable[[], str]) -> None:
    """A button for a table that is made when it is pressed."""
    st.download_button(
        f"{title} (CSV)", make, f"evaluation-{name}.csv", "text/csv", key=f"ev_get_{name}", on_click="ignore"
    )
