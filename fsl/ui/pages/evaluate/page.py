"""The Evaluate page: settings on the left, results on the right."""

from __future__ import annotations

from functools import partial

import streamlit as st

from fsl.base.text import margin_text
from fsl.ui.pages.evaluate.form import show_form
from fsl.ui.pages.evaluate.job import Job
from fsl.ui.pages.evaluate.settings import map_address
from fsl.ui.pages.evaluate.state import EvaluateState, evaluate_state
from fsl.ui.pages.evaluate.view import show_results, title_of
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.problems import show_fault, show_problems
from fsl.ui.shared.resources import Choice, choices, find_choice
from fsl.ui.shared.waiting import waiting
from fsl.ui.shared.work import show_progress


def show_evaluate_page() -> None:
    """Draw the page."""
    state = evaluate_state()
    st.title("How good is it, and compared with what?", anchor=False)
    st.markdown(
        "Each test draws a few classes, shows the network **one or a few examples of each**, and asks which "
        "class other pictures belong to. Hundreds of tests give a reliable figure with its margin of error. "
        "Baselines take the same tests for comparison."
    )
    left, right = st.columns([1, 2.1], gap="large")
    installed: list[Choice] = []
    with left, guarded():
        with waiting("Looking for networks", "evaluate_form", 560):
            installed = choices()
        show_form(state, installed)
    with right, guarded():
        show_fault(state.fault)
        _show_job(state, installed)
    warm_up_after_paint()


def _show_job(state: EvaluateState, installed: list[Choice]) -> None:
    job = state.job
    if job is None:
        st.info(
            "Press **Evaluate**: the settings as they are give a first figure within a minute.",
            icon=":material/play_arrow:",
        )
        return
    if not job.work.wait_at_first():
        _show_running(job)
        return
    show_fault(job.work.fault)
    if not (job.work.fault or job.answers):
        _say_nothing_was_tested(job)
    if job.pictures is not None and job.answers:
        _show_origin(job, installed)
        show_results(job)


def _say_nothing_was_tested(job: Job) -> None:
    said = (
        "You stopped the evaluation before its first test was finished."
        if job.is_stopped
        else "The evaluation was interrupted before its first test was finished, because this tab was not "
        "connected for a while. Press **Evaluate** to start it again."
    )
    st.info(said, icon=":material/info:")


def _show_running(job: Job) -> None:
    with st.container(horizontal=True, key="ev_running"):
        with st.container():
            show_progress(job.work, partial(_show_running_means, job))
        guarded_button("Stop", "ev_stop", job.stop, icon=":material/stop:")


def _show_running_means(job: Job) -> None:
    answers_so_far = job.answers  # the work replaces them meanwhile
    if job.pictures is None or not answers_so_far:
        return
    lines = []
    for one, answers in zip(job.contenders, answers_so_far, strict=True):
        result = answers.result(len(job.pictures.class_names))
        lines.append(f"- {markdown(title_of(one.name))}: **{result.accuracy:.1%}**{margin_text(result.ci95)}")
    st.markdown("\n".join(["So far:", "", *lines]))


def _show_origin(job: Job, installed: list[Choice]) -> None:
    assert job.pictures is not None
    source = job.request.source
    classes = f", classes “{job.request.classes}”" if job.request.classes else ""
    n, c = len(job.pictures.names), len(job.pictures.class_names)
    n_asked = c - len(core.too_small(job.pictures.labels, job.pictures.class_names, job.config))
    asked = f"{n_asked:,} of {c:,}" if n_asked < c else f"{c:,}"
    credit = f" Photos: {source.credit}." if source.credit else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{source.title}{classes}: {n:,} pictures of {asked} classes.{credit}"
        st.caption(markdown(words), width="stretch")
        network = next((name for name in job.request.names if find_choice(name, installed)), "")
        address = map_address(source, network)
        if network and address:
            icon = ":material/scatter_plot:"
            st.page_link("pages/embeddings.py", label="Show on the map", icon=icon, query_params=address)
            st.page_link(
                "pages/embeddings.py",
                label="Check for copies and wrong labels",
                icon=":material/fact_check:",
                query_params={**address, "check": "1"},
            )
    show_problems(job.pictures.problems)
