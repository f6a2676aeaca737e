"""An evaluation as files, and the commands that repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.evaluate.job import Job

if TYPE_CHECKING:
    from fsl.fewshot.evaluate import EvaluationResult


def show_downloads(job: Job, name: str, results: dict[str, EvaluationResult]) -> None:
    """A button per table, and a command per contender."""
    from fsl.fewshot.report import confusion_csv, episodes_csv, evaluate_command, grid_csv, summary_csv

    assert job.pictures is not None
    class_names = job.pictures.class_names
    answers = {one.name: given for one, given in zip(job.contenders, job.answers, strict=True)}
    with st.container(horizontal=True):
        _csv("Summary", "summary", summary_csv(answers, len(class_names), job.config))
        _csv("Confusions and classes", "confusions", confusion_csv(results[name], class_names))
        _csv("Every test", "tests", episodes_csv(answers))
        if name in job.grids:
            _csv("Ways and shots", "ways-and-shots", grid_csv(job.grids[name]))
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
    classes = dict(source.lists).get(request.classes, "")
    per_class = request.per_class
    commands = [evaluate_command(source.data, one, job.config, classes, per_class) for one in answers]
    st.code("\n".join(commands), language="sh", wrap_lines=True)
    if job.n_done < job.config.n_episodes:
        st.caption("You stopped early; the command makes all tests, so its figure differs a little.")


def _csv(title: str, name: str, text: str) -> None:
    st.download_button(
        f"{title} (CSV)", text, f"evaluation-{name}.csv", "text/csv", key=f"ev_get_{name}", on_click="ignore"
    )
