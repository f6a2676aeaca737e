"""The Evaluate page as a whole: settings on the left, figures on the right."""

from __future__ import annotations

import time

import streamlit as st

from fsl.base.errors import FslError
from fsl.ui.pages.evaluate.form import show_faults, show_form, title_of
from fsl.ui.pages.evaluate.job import Job, prepare
from fsl.ui.pages.evaluate.settings import map_address
from fsl.ui.pages.evaluate.state import EvaluateState, evaluate_state
from fsl.ui.pages.evaluate.view import show_results
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded, guarded_callback
from fsl.ui.shared.problems import show_problems
from fsl.ui.shared.resources import Choice, choices, find_choice
from fsl.ui.shared.waiting import waiting

_REDRAW_SECONDS = 0.2


def show_evaluate_page() -> None:
    """Draw the page; a running evaluation goes on where it was."""
    state = evaluate_state()
    st.title("How good is it, and compared with what?", anchor=False)
    st.markdown(
        "One test: a few classes are drawn, the network sees **one or a few examples of each**, and then "
        "says which class other pictures belong to. Hundreds of such tests give a figure one can trust, "
        "with its interval. Next to it stands what is to be beaten, on the very same tests."
    )
    left, right = st.columns([1, 2.1], gap="large")
    with left, guarded():
        with waiting("Looking for networks", "evaluate_form", 560):
            installed = choices()
        show_form(state, installed)
    with right, guarded():
        show_faults(state)
        _show_job(state, installed)
    warm_up_after_paint()


def _show_job(state: EvaluateState, installed: list[Choice]) -> None:
    job = state.job
    if job is None:
        st.info(
            "**Evaluate** with the settings as they are gives a first figure within a minute.",
            icon=":material/play_arrow:",
        )
        return
    if job.running:
        _run(state, job, installed)
    if job.fault:
        st.error(markdown(job.fault), icon=":material/error:")
    elif not job.answers:
        st.info("Stopped before the first test was over.", icon=":material/info:")
    if job.pictures is not None and job.answers:
        _show_origin(job, installed)
        show_results(job)


def _run(state: EvaluateState, job: Job, installed: list[Choice]) -> None:
    """Go on with it; a click anywhere interrupts this, and the next run of the page goes on from there."""
    row = st.container(horizontal=True, vertical_alignment="center", key="ev_running")
    with row:
        bar = st.empty()
        st.button(
            "Stop", key="ev_stop", icon=":material/stop:", on_click=guarded_callback(_stop), args=(job,)
        )
    place = st.empty()
    try:
        if job.parts is None:
            prepare(state, job, installed, lambda share, text: _say(bar, share, text))
        shown = 0.0
        while job.step():
            if time.monotonic() - shown >= _REDRAW_SECONDS:
                shown = time.monotonic()
                total = job.config.n_episodes
                _say(bar, job.n_done / total, f"{job.n_done:,} of {total:,} tests")
                place.markdown(_running_means(job))
    except FslError as error:
        job.running = False
        job.fault = str(error)
    except Exception:
        job.running = False  # or every click would run into the same again
        raise
    st.rerun()


def _say(bar: st.delta_generator.DeltaGenerator, share: float, text: str) -> None:
    bar.progress(min(1.0, share), markdown(text))


def _running_means(job: Job) -> str:
    assert job.pictures is not None
    lines = []
    for one, answers in zip(job.contenders, job.answers, strict=True):
        result = answers.result(len(job.pictures.class_names))
        title = markdown(title_of(one.name))
        lines.append(f"- {title}: **{result.accuracy:.1%}** ± {result.ci95:.1%}")
    return "\n".join(["So far:", "", *lines])


def _stop(job: Job) -> None:
    job.running = False


def _show_origin(job: Job, installed: list[Choice]) -> None:
    assert job.pictures is not None
    source = job.request.source
    words = f"{source.title}"
    if job.request.classes:
        words += f", classes “{job.request.classes}”"
    n, c = len(job.pictures.names), len(job.pictures.class_names)
    credit = f" Photos: {source.credit}." if source.credit else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(markdown(f"{words}: {n:,} pictures of {c:,} classes.{credit}"), width="stretch")
        network = next((name for name in job.request.names if find_choice(name, installed)), "")
        address = map_address(source, network)
        if network and address:
            icon = ":material/scatter_plot:"
            st.page_link("pages/embeddings.py", label="Show on the map", icon=icon, query_params=address)
    show_problems(job.pictures.problems)
