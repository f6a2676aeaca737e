"""The curves of the chosen runs, and a tile for each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.text import count, duration_text, margin_text, percent
from fsl.ui.components.curve import Axes, ChartOptions, Level, curves
from fsl.ui.pages.training.actions import show_actions, show_group_actions
from fsl.ui.shared import core, wording
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import guarded
from fsl.ui.shared.page_links import MOST_RUNS_ON_MAP
from fsl.ui.shared.run_curves import loss_levels, loss_line, smoothed_line
from fsl.ui.shared.run_labels import VERDICT_BADGES, advice
from fsl.ui.shared.run_names import distinct_names
from fsl.ui.shared.visitor import may_look_inside

if TYPE_CHECKING:
    from fsl.training.events import Comparison
    from fsl.training.status import RunInfo

_RECENT = 4  # reports, from which the time left is estimated


def show_runs(runs: Sequence[RunInfo]) -> None:
    """Show curves and tiles of the chosen runs."""
    names = distinct_names(runs)
    _show_curves(runs, names)
    show_group_actions(runs)
    recorded = [run for run in runs if _has_map(run)][:MOST_RUNS_ON_MAP]
    if len(recorded) > 1:
        _link_to_maps("Watch their maps side by side", recorded)
    for column, run in zip(st.columns(max(2, len(runs))), runs, strict=False):
        with column, st.container(border=True, key=f"tile_{run.id}", height="stretch"), guarded():
            _show_tile(run, names[run.id])


def _show_curves(runs: Sequence[RunInfo], names: Mapping[str, str]) -> None:
    losses, accuracies = [], []
    for run in runs:
        tests = [e for e in core.run_events(run.folder) if isinstance(e, core.Evaluation)]
        losses.append(loss_line(run, names[run.id]))
        accuracies.append(smoothed_line(names[run.id], [t.step for t in tests], [t.accuracy for t in tests]))
    reach = max((run.config.steps for run in runs if run.config), default=0)
    about = " ".join(run.id for run in runs)
    st.markdown("**Loss**: how wrong the network is on the batch it learns from. Drag to zoom in.")
    curves(
        losses,
        key="loss_curve",
        label="Loss by batch",
        axes=Axes(x_max=reach),
        options=ChartOptions(loss_levels(runs), about=about),
    )
    if not any(len(line.x) for line in accuracies):
        return
    ways = sorted({run.evaluation.n_way for run in runs if run.evaluation})
    levels = [Level(1 / n, "guessing" if len(ways) == 1 else f"guessing among {n}") for n in ways]
    among = " or ".join(str(n) for n in ways)
    st.markdown(f"**Test accuracy**: share of right answers when choosing among {among} classes.")
    curves(
        accuracies,
        key="accuracy_curve",
        label="Test accuracy by batch",
        axes=Axes(x_max=reach, y_range=(0.0, 1.0)),
        options=ChartOptions(levels, smoothable=False, height=190, about=about),
    )


def _link_to_maps(label: str, runs: Sequence[RunInfo]) -> None:
    """Link to the moving maps of these runs."""
    st.page_link(
        "pages/embeddings.py",
        label=label,
        icon=":material/bubble_chart:",
        query_params={"run": ",".join(run.id for run in runs)},
    )


def _show_tile(run: RunInfo, name: str) -> None:
    st.markdown(f"**{markdown(name)}** · {run.status}")
    if run.verdict and run.config:
        st.markdown(VERDICT_BADGES[run.verdict.kind])
        if run.step or not run.is_live:  # else the phase that is shown below says more
            said = advice(run.verdict, run.config.learning_rate, run.before, run.best)
            evidence = markdown(run.verdict.evidence)
            st.caption(f"{evidence} **{said}**" if said else evidence)
    elif run.is_live:
        st.markdown(VERDICT_BADGES["starting"])
    _show_progress(run)
    _show_test(run)
    for text in (*run.problems, run.error):
        if text:
            st.warning(markdown(text))
    if run.left_out:
        with st.expander("Some files could not be used", icon=":material/warning:"):
            st.text(run.left_out)
    if _has_map(run):
        _link_to_maps("Show on the map", [run])
    show_actions(run)


def _has_map(run: RunInfo) -> bool:
    """Return whether this browser can watch the run's moving map, which shows pictures and class names."""
    return may_look_inside(run) and core.has_snapshots(run.folder)


def _show_progress(run: RunInfo) -> None:
    share, steps = 0.0, 0
    if run.step:
        steps = run.config.steps if run.config else run.step.step
        share = min(1.0, run.step.step / steps)
    if run.is_live and (run.step is None or run.status == "queued" or run.doing):
        st.progress(share, markdown(_waiting_text(run)))
    elif run.step:
        st.progress(share, _progress_text(run, steps))


def _show_test(run: RunInfo) -> None:
    """Show the latest test, the engine's note on it, and how training changed it."""
    if test := run.evaluation:
        before = run.before.accuracy if run.before and test.step else None
        st.metric(
            "Test accuracy",
            f"{test.accuracy:.1%}",
            None if before is None else f"{100 * (test.accuracy - before):+.1f} points since the start",
        )
        examples = count(test.n_shot, "example")
        # The sign and its number stay on one line of a narrow card.
        margin = margin_text(test.ci95).strip(" ()").replace(" ", "\N{NO-BREAK SPACE}", 1)
        when = f"After {count(test.step, 'batch', 'batches')}" if test.step else "Before training"
        st.caption(f"{when}, choosing among {test.n_way} classes with {examples} of each ({margin})")
    if run.started and run.started.note:
        st.caption(markdown(f"{run.started.note[:1].upper()}{run.started.note[1:]}"))
    if told := core.little_to_gain(run.before, str(run.about.get("start") or "")):
        st.caption(markdown(told))
    if run.comparison:
        _show_improvement(run.comparison, run.steps_done)


def _waiting_text(run: RunInfo) -> str:
    """Return what a run is doing that has not trained a batch yet or waits for its turn."""
    if run.status != "queued":
        after = f" · {run.steps_done:,} of {run.config.steps:,} batches" if run.step and run.config else ""
        return f"{run.doing[:1].upper()}{run.doing[1:] or 'First batch'} …{after}"

    computing, waiting = core.run_manager().queue()
    if run.id not in waiting:
        return "Waiting for its turn."
    place = waiting.index(run.id) + 1
    others = count(computing, "experiment is", "experiments are")
    return f"Waiting for its turn: number {place} in the queue; {others} training now."


def _progress_text(run: RunInfo, steps: int) -> str:
    if run.step is None or not run.is_live:
        return f"{run.steps_done:,} of {steps:,} batches"

    speed = f"{count(round(run.step.images_per_second), 'picture')}/s"
    text = f"{run.step.step:,} of {steps:,} · {speed}"
    each = _seconds_per_batch(run)
    if each is None:
        return text
    # Runs of one experiment take turns, and each run's seconds count its own turns only.
    left = (steps - run.step.step) * each * core.run_manager().taking_turns(run.id)
    return f"{text} · {duration_text(left)} left"


def _seconds_per_batch(run: RunInfo) -> float | None:
    """Return how long the latest batches took: the first ones also embed pictures for the others.

    Returns:
        None after a single report, whose seconds are mostly of the test before training.
    """
    steps = [event for event in core.run_events(run.folder) if isinstance(event, core.Step)][-_RECENT:]
    first, last = steps[0], steps[-1]
    if first.step == last.step:
        return None
    return (last.seconds - first.seconds) / (last.step - first.step)


def _show_improvement(c: Comparison, steps_done: int) -> None:
    """Say whether training made the network better on the same tests, and whether that may be chance."""
    after = "after" if c.step >= steps_done else f"after {c.step:,} batches"
    on = f" on {count(c.n_images, 'picture')} it did not learn from" if c.n_images else ""
    numbers = f"Test accuracy {c.before:.1%} before, {c.after:.1%} {after}{on}."
    if not c.is_clear:
        chance = (
            f" Chance alone does as much {percent(c.chance)} of the time." if c.chance is not None else ""
        )
        st.info(
            f"Training made no difference beyond chance. {numbers}{chance}", icon=":material/drag_handle:"
        )
    elif c.difference > 0:
        st.success(f"Training made the network better. {numbers}", icon=":material/trending_up:")
    else:
        st.warning(f"Training made the network **worse**. {numbers}", icon=":material/trending_down:")
    if told := wording.probe_advice(c):
        st.info(told, icon=":material/lightbulb:")
        st.page_link("pages/classify.py", label="Use the quick classifier on the Classify page")
