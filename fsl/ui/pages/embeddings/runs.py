"""Training runs as moving maps, played together with their curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count
from fsl.ui.components.curve import Axes, ChartOptions, Level, Line, curves
from fsl.ui.components.player import player
from fsl.ui.components.scatter import Emphasis, MapLook, picture_sheet, scatter_map
from fsl.ui.pages.embeddings.moving import MovingRun, moving_run, screen_motion, sheet_of_run
from fsl.ui.pages.embeddings.settings import MOVING, RUNS
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared import core
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded, guarded_button, guarded_callback
from fsl.ui.shared.page_links import MOST_RUNS_ON_MAP
from fsl.ui.shared.resources import warm_up
from fsl.ui.shared.run_curves import loss_levels, loss_line
from fsl.ui.shared.run_labels import VERDICT_BADGES
from fsl.ui.shared.run_names import dated_names, distinct_names
from fsl.ui.shared.visitor import as_seen, may_look_inside, may_see, readable_runs, whose
from fsl.ui.shared.work import Work, show_progress

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

_OFFERED = 5
_REFRESH_SECONDS = 4.0
_PLAYER = "training_player"


def show_mode() -> None:
    """Show the choice between pictures and training runs."""
    st.segmented_control(**MOVING.widget(), label_visibility="collapsed", required=True, wrap=True)


def show_runs_moving(state: MapState) -> None:
    """Show the chosen runs, or those to choose from."""
    warm_up().done.wait(timeout=30)
    known = {run.id: as_seen(run) for run in core.list_runs() if may_see(run, RUNS.value)}
    offered = {
        run_id: run
        for run_id, run in known.items()
        if may_look_inside(run) and core.has_snapshots(run.folder)
    }
    for run_id in RUNS.value:
        if run_id not in known:
            st.warning(markdown(f"There is no run {run_id!r}; it may have been deleted."))
        elif run_id not in offered:
            st.warning(markdown(_nothing_recorded(known[run_id])))
    RUNS.put([run_id for run_id in RUNS.value if run_id in offered])
    if not offered:
        st.info("No run has recorded a moving map yet. Start one on the Train page; half a minute is enough.")
        st.page_link("pages/training.py", label="Train a network", icon=":material/play_arrow:")
        return
    names = dated_names(list(offered.values()))
    chosen = replace(RUNS, options={run_id: names[run_id] for run_id in offered})
    st.multiselect(
        **chosen.widget(),
        max_selections=MOST_RUNS_ON_MAP,
        wrap=True,
        placeholder=f"Choose one run, or up to {MOST_RUNS_ON_MAP} side by side",
        on_change=guarded_callback(state.follow_none),
    )
    if not RUNS.value:
        _show_offer(state, list(offered.values()))
        return
    state.forget_moving(but=RUNS.value)
    live = any(offered[run_id].is_live for run_id in RUNS.value)
    st.fragment(_draw, run_every=_REFRESH_SECONDS if live else None)(state, live)


def _nothing_recorded(run: RunInfo) -> str:
    if not may_look_inside(run):
        return whose(run)
    if run.is_live:
        return f"The run {run.name} has recorded nothing yet. Look again in a moment."
    return (
        f"The run {run.name} recorded no moving map. Runs of the Train page do; on the command line, add "
        "--snapshots 150 to the train command."
    )


def _show(state: MapState, runs: list[str]) -> None:
    RUNS.put(runs)
    state.follow_none()


def _show_offer(state: MapState, runs: Sequence[RunInfo]) -> None:
    """Show the latest experiments, each with a button."""
    with st.container(border=True, key="map_run_list"):
        st.markdown("**Watch the map take shape while a network learns.** Your latest runs:")
        names = dated_names(runs)
        experiments = [list(group) for _, group in groupby(runs, lambda run: run.group or run.id)]
        for experiment in experiments[:_OFFERED]:
            shown = experiment[:MOST_RUNS_ON_MAP][::-1]
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown("   ".join(_title(run, names[run.id]) for run in shown), width="stretch")
                side_by_side = f"Watch {count(len(shown), 'run')}" if len(shown) > 1 else "Watch"
                guarded_button(
                    side_by_side,
                    f"map_watch_{shown[0].id}",
                    partial(_show, state, [run.id for run in shown]),
                    icon=":material/play_arrow:",
                )


def _title(run: RunInfo, name: str) -> str:
    badge = VERDICT_BADGES[run.verdict.kind] if run.verdict else run.status
    return f"**{markdown(name)}** {badge}"


def _draw(state: MapState, was_live: bool) -> None:
    with guarded():
        runs = readable_runs(RUNS.value)
        moving = [found for run in runs if (found := _moving(state, run)) is not None]
        if moving:
            _show_moving(state, moving)
        elif all(work.is_over for work in state.moving_work.values()):
            st.info("Nothing is recorded yet. The first moment comes with the first batches.")
        if was_live and not any(run.is_live for run in runs):
            st.rerun()  # the whole page, to stop this part's clock


def _moving(state: MapState, run: RunInfo) -> MovingRun | None:
    """Return what there is of a run's moving map, and start the work on its new moments."""
    if not core.has_snapshots(run.folder):
        return None
    before, work = state.moving_runs.get(run.id), state.moving_work.get(run.id)
    steps = tuple(core.recorded_steps(run.folder))
    if work is None or (work.is_over and work.inputs != steps):
        work = state.moving_work[run.id] = Work(partial(moving_run, run, before), steps)
    if not work.wait_at_first():
        if before is None or not run.is_live:  # else the next tick of the clock shows it
            show_progress(work)
    elif work.fault:
        st.warning(markdown(work.fault))
        return None
    elif (found := work.result()) is not None:
        before = state.moving_runs[run.id] = found
    return None if before is None else replace(before, run=run)


def _show_moving(state: MapState, moving: Sequence[MovingRun]) -> None:
    steps = sorted({frame.step for found in moving for frame in found.frames})
    last = max([steps[-1], *(found.run.config.steps for found in moving if found.run.config)])
    names = distinct_names([found.run for found in moving])
    st.caption(
        f"{count(len(moving[0].images.names), 'picture')} that the network does not learn from, as training "
        "goes on. Press Play, or move the slider with the mouse or the arrow keys. Click a picture to follow "
        "it."
    )
    player(_PLAYER, steps, last=last)
    if len(moving) == 1:
        left, right = st.columns([1.7, 1], gap="medium")
        with left:
            _show_map(state, moving[0], names, 520)
        with right:
            _show_loss(moving, names, last, 230)
            _show_accuracy(moving, names, last, 190)
    else:
        for column, found in zip(st.columns(len(moving), gap="small"), moving, strict=True):
            with column:
                _show_map(state, found, names, 380)
        left, right = st.columns(2, gap="medium")
        with left:
            _show_loss(moving, names, last, 220)
        with right:
            _show_accuracy(moving, names, last, 220)
    st.caption(
        "Distances are Euclidean, because a run does not record how its network judges pairs. Each map "
        "starts from the one before and is rotated to match it; size and direction mean nothing."
    )


def _show_map(state: MapState, found: MovingRun, names: Mapping[str, str], height: int) -> None:
    name = names[found.run.id]
    points, motion = screen_motion(found, _PLAYER)
    sheet = sheet_of_run(state.memo, found.images)
    st.markdown(_title(found.run, name))
    scatter_map(
        points,
        sheet,
        key=f"motion_{found.run.id}",
        label=f"Moving map of {count(len(points.names), 'picture')} by the run {name}",
        look=MapLook(Emphasis(selected=state.followed), height, motion=motion),
        on_select=guarded_callback(lambda row: setattr(state, "followed", row)),
    )
    picture_sheet(sheet, key=f"motion_sheet_{found.run.id}")


def _show_loss(moving: Sequence[MovingRun], names: Mapping[str, str], last: int, height: int) -> None:
    st.markdown("**Loss**: the error on each batch of training. Click to go to a moment.")
    runs = [found.run for found in moving]
    curves(
        [loss_line(run, names[run.id]) for run in runs],
        key="motion_loss",
        label="Loss by batch",
        axes=Axes(x_max=last),
        options=ChartOptions(loss_levels(runs), height=height, player=_PLAYER, about=" ".join(names)),
    )


def _show_accuracy(moving: Sequence[MovingRun], names: Mapping[str, str], last: int, height: int) -> None:
    st.markdown(
        "**Nearest neighbour correct**: share of pictures whose nearest other picture is of the same class.",
        help="Measured on the embeddings themselves, not on the map (leave-one-out).",
    )
    lines = []
    for found in moving:
        measured = [(f.step, f.neighbour_accuracy.value) for f in found.frames]
        known = [(step, value) for step, value in measured if value is not None]
        values = [value for _, value in known]
        lines.append(Line(names[found.run.id], [step for step, _ in known], values, values))
    n_classes = len(moving[0].images.class_names)
    levels = (Level(1 / n_classes, "guessing"),) if n_classes else ()
    curves(
        lines,
        key="motion_accuracy",
        label="Nearest neighbour correct, by batch",
        axes=Axes(x_max=last, y_range=(0.0, 1.0)),
        options=ChartOptions(levels, smoothable=False, height=height, player=_PLAYER, about=" ".join(names)),
    )
