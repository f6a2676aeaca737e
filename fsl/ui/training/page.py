"""The Training page: settings on the left, runs that grow on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from fsl.errors import FslError
from fsl.ui.classify.notices import show_notices
from fsl.ui.frame import warm_up_after_paint
from fsl.ui.guard import guarded, guarded_callback
from fsl.ui.resources import warm_up
from fsl.ui.state import session
from fsl.ui.training.batch import show_batch
from fsl.ui.training.form import Wish, plans_of, show_form
from fsl.ui.training.live import show_runs
from fsl.ui.training.range_test import show_range_test
from fsl.ui.training.values import set_values, values

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

_REFRESH_SECONDS = 1.0
_MOST_SHOWN = 6


def show_training_page() -> None:
    """Draw the page; it can be left and reloaded at any time, the runs go on."""
    st.title("Train a network and watch it learn", anchor=False)
    st.caption(
        "The network sees pairs of pictures and learns to say *same* or *different*. How big a step it makes "
        "each time, its **learning rate**, decides whether it learns at all: try several."
    )
    show_notices(session())
    note = values().pop("note", "")
    if note:
        st.success(note.replace("\\", ""), icon=":material/check:")
    warm_up().done.wait(timeout=30)
    left, right = st.columns([1, 1.7], gap="large")
    wish = None
    with left, guarded():
        wish = show_form()
        if st.button("Start training", type="primary", key="start_training", icon=":material/play_arrow:"):
            _begin(wish)
    with right, guarded():
        _choose_runs()
        _live()
        if wish is not None:
            show_range_test(wish)
            show_batch(wish)
    warm_up_after_paint()


def _begin(wish: Wish) -> None:
    from fsl.training.background import run_manager

    with st.spinner("Preparing the pictures …"):
        ids = run_manager().start_together(plans_of(wish))
    set_values({"shown": ids})
    st.query_params["run"] = ",".join(ids)


def _choose_runs() -> None:
    """Which runs to compare; the ones in the address, so that a reload and a link find them again."""
    from fsl.training.background import run_manager

    runs = run_manager().runs()
    names = {run.id: f"{run.name} ({run.id})" for run in runs}
    linked = [run_id for run_id in st.query_params.get("run", "").split(",") if run_id]
    default = linked or [run.id for run in runs if run.is_live][:_MOST_SHOWN]
    wanted = values().setdefault("shown", default)
    # Set before the widget is made: its own value is lost when the page changes.
    set_values({"shown": [run_id for run_id in wanted if run_id in names]})
    if not runs:
        st.info(
            "No run yet. **Start training** with the settings as they are: three learning rates on "
            "handwritten digits, side by side. It takes about a minute.",
            icon=":material/arrow_back:",
        )
        return
    shown = st.multiselect(
        "Runs to look at",
        list(names),
        key="shown",
        format_func=lambda run_id: names.get(run_id, run_id),
        max_selections=_MOST_SHOWN,
        help="Runs stay in the runs folder; those started from a shell are here too.",
        on_change=guarded_callback(_take_shown),
    )
    st.query_params["run"] = ",".join(shown)


def _take_shown() -> None:
    values()["shown"] = list(st.session_state["shown"])


def _live() -> None:
    """The chosen runs, drawn again every second while one of them goes on."""
    shown = list(values().get("shown", []))
    if not shown:
        return
    live = any(run.is_live for run in _read(shown))
    values()["clock"] = live
    st.fragment(_draw, run_every=_REFRESH_SECONDS if live else None)(shown)


def _draw(shown: list[str]) -> None:
    with guarded():
        runs = _read(shown)
        show_runs(runs)
        live = any(run.is_live for run in runs)
        if live != values().get("clock", live):
            st.rerun()  # the whole page: this part's clock is to be started or stopped


def _read(shown: list[str]) -> list[RunInfo]:
    from fsl.training.status import find_run

    runs = []
    for run_id in shown:
        try:
            runs.append(find_run(run_id))
        except FslError as error:
            st.warning(str(error))
    return runs
