"""The Train page as a whole: settings on the left, runs on the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, listed
from fsl.ui.components.undivided import undivided
from fsl.ui.pages.training.actions import MOST_SHOWN
from fsl.ui.pages.training.batch import show_batch
from fsl.ui.pages.training.estimate import show_estimate
from fsl.ui.pages.training.form import show_form, take_preset
from fsl.ui.pages.training.preparation import prepare_run
from fsl.ui.pages.training.range_test import show_range_test
from fsl.ui.pages.training.request import TrainRequest, run_plans
from fsl.ui.pages.training.runs import show_runs
from fsl.ui.pages.training.settings import SHOWN
from fsl.ui.pages.training.state import training_state
from fsl.ui.pages.training.table import show_table
from fsl.ui.shared import core
from fsl.ui.shared.address import read_address, write_address
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.frame import warm_up_after_paint
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.kept_button import kept_button
from fsl.ui.shared.resources import warm_up
from fsl.ui.shared.run_names import dated_names
from fsl.ui.shared.visitor import as_seen, may_see, readable_runs

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

_PAGE = "training"
_REFRESH_SECONDS = 1.0
_SKELETON = 520  # height in pixels of the placeholders while torch loads
_REFRESH_AT_FIRST = 0.4  # seconds, until each run has its first point


def show_training_page() -> None:
    """Draw the page; runs go on when the page is left or reloaded."""
    st.title("Train a network and watch it learn", anchor=False)
    st.caption(
        "The network sees pairs of pictures and learns to say *same* or *different*. The size of each step, "
        "the **learning rate**, decides whether it learns at all: try several."
    )
    _take_address()
    left, right = st.columns([1, 1.7], gap="large")
    with left, st.skeleton(_SKELETON), right, st.skeleton(_SKELETON):
        warm_up().done.wait(timeout=30)
    request = None
    with left, guarded():
        request = show_form()
        icon = ":material/play_arrow:"
        with kept_button("Start training", "start_training", type="primary", icon=icon) as is_pressed:
            if is_pressed:
                _begin(request)
        if not any(run.is_live for run in _all_runs()):  # beside a run it would be slow, and slow it down
            show_estimate(request)
    with right, guarded():
        runs = _all_runs()
        _choose_runs(runs)
        shown = _live()
        if request is not None:
            with guarded():
                prepare_run(request)
            show_batch(request, shown)
            show_range_test(request)
        show_table(runs)
    warm_up_after_paint()


def _take_address() -> None:
    """Adopt ``?run=ID,ID`` and ``?preset=fine-tune&start=fruits``; ignore what does not exist."""
    asked = read_address(_PAGE)
    take_preset(asked)
    runs = [run_id for run_id in asked.get("run", "").split(",") if run_id]
    if runs:
        SHOWN.put(runs)


def _begin(request: TrainRequest) -> None:
    with st.spinner("Preparing the pictures …"):
        plans = run_plans(request)
    with undivided():
        SHOWN.put(core.run_manager().start_together(plans))
        training_state().asked = None


def _all_runs() -> list[RunInfo]:
    chosen = SHOWN.value or ()  # by hand, or by a link
    return [as_seen(run) for run in core.run_manager().runs() if may_see(run, chosen)]


def _choose_runs(runs: Sequence[RunInfo]) -> None:
    """Choose the runs to compare; they stand in the address, so that a reload or a link shows them."""
    names = dated_names(runs)
    state = training_state()
    if state.shown_next is not None:
        SHOWN.put(state.shown_next)
        state.shown_next = None
    wanted = SHOWN.value
    if wanted is None:
        wanted = [run.id for run in runs if run.is_live]
    if gone := [run_id for run_id in wanted if run_id not in names]:
        st.warning(markdown(f"Not found, perhaps deleted: {count(len(gone), 'run')} ({listed(gone, 3)})."))
    SHOWN.put([run_id for run_id in wanted if run_id in names][:MOST_SHOWN])
    if runs:
        st.multiselect(**replace(SHOWN, options=names).widget(), max_selections=MOST_SHOWN, wrap=True)
    else:
        st.info(
            "No run yet. Press **Start training** with the settings as they are: one network trains at each "
            "learning rate, side by side.",
            icon=":material/play_arrow:",
        )
    write_address(_PAGE, {"run": ",".join(SHOWN.value or ())})


def _live() -> list[RunInfo]:
    """Draw the chosen runs, repeatedly while one of them is live.

    Returns:
        the chosen runs as they are now.
    """
    shown = list(SHOWN.value or ())
    if not shown:
        return []
    runs = readable_runs(shown)
    training_state().clock = clock = _pace(runs)
    st.fragment(_draw, run_every=clock)(shown)
    return runs


def _pace(runs: Sequence[RunInfo]) -> float | None:
    """Return the seconds between two drawings, or None if no run is live."""
    if any(run.status == "running" and run.step is None for run in runs):
        return _REFRESH_AT_FIRST
    return _REFRESH_SECONDS if any(run.is_live for run in runs) else None


def _draw(shown: list[str]) -> None:
    with guarded():
        if training_state().shown_next is not None:
            st.rerun()  # the whole page, which shows other runs from now on
        runs = readable_runs(shown)
        show_runs(runs)
        if _pace(runs) != training_state().clock:
            st.rerun()  # the whole page, as only that changes the fragment's clock
