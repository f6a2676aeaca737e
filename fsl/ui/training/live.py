"""The runs that are looked at: curves, a tile for each, and what to do with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.training.curves import smooth, thin
from fsl.ui.components.curve import Level, Line, curves
from fsl.ui.escape import markdown
from fsl.ui.guard import guarded, guarded_callback
from fsl.ui.training.form import RATES, rate_text
from fsl.ui.training.values import set_values, values

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

LN2 = Level(0.6931, "ln 2: says nothing")
ICONS = {
    "starting": ":gray-badge[:material/hourglass_empty: starting]",
    "learning": ":green-badge[:material/trending_down: learning]",
    "stalled": ":orange-badge[:material/trending_flat: stalled]",
    "collapsed": ":orange-badge[:material/compress: collapsed]",
    "diverged": ":red-badge[:material/trending_up: diverged]",
    "overfitting": ":orange-badge[:material/call_split: overfitting]",
}


def show_runs(runs: Sequence[RunInfo]) -> None:
    """Curves and tiles of the runs being compared."""
    from fsl.training.events import Evaluation, Step
    from fsl.training.status import run_events

    losses, accuracies = [], []
    for run in runs:
        events = run_events(run.folder)
        steps = [e for e in events if isinstance(e, Step)]
        tests = [e for e in events if isinstance(e, Evaluation)]
        losses.append(_line(run.name, [s.step for s in steps], [s.loss for s in steps]))
        accuracies.append(_line(run.name, [t.step for t in tests], [t.accuracy for t in tests]))
    reach = max((run.config.steps for run in runs if run.config), default=0)
    config = next((run.config for run in runs if run.config), None)
    levels = (LN2,) if config and config.loss == "bce" else ()
    st.markdown("**Loss**: how wrong the network is on the batch it learns from. Drag to look closer.")
    curves(losses, key="loss_curve", label="Loss by batch", x_max=reach, levels=levels)
    tested = [line for line in accuracies if len(line.x)]
    if tested:
        ways = next(run.evaluation.n_way for run in runs if run.evaluation)
        st.markdown(f"**Test**: share of right answers among {ways} classes it was never trained on.")
        curves(
            accuracies,
            key="accuracy_curve",
            label="Accuracy by batch",
            x_max=reach,
            y_range=(0.0, 1.0),
            levels=(Level(1 / ways, "guessing"),),
            smoothable=False,
            height=190,
        )
    for column, run in zip(st.columns(max(2, len(runs))), runs, strict=False):
        with column, st.container(border=True), guarded():
            _tile(run)


def _line(name: str, x: Sequence[int], y: Sequence[float]) -> Line:
    raw_x, raw = thin(x, y)
    return Line(name, raw_x.tolist(), raw.tolist(), smooth(raw.tolist(), 0.8).tolist())


def _tile(run: RunInfo) -> None:
    st.markdown(f"**{markdown(run.name)}** · {run.status}")
    if run.verdict:
        st.markdown(ICONS[run.verdict.kind])
        st.caption(markdown(run.verdict.evidence))
    if run.step:
        steps = run.config.steps if run.config else run.step.step
        st.metric("Loss", f"{run.step.loss:.3f}", border=False)
        st.progress(min(1.0, run.step.step / steps), _progress_text(run, steps))
    if run.evaluation:
        e = run.evaluation
        st.caption(f"Test: {e.accuracy:.0%} ± {e.ci95:.0%} ({e.n_way}-way {e.n_shot}-shot)")
    if run.comparison:
        st.caption(markdown(_before_and_after(run)))
    for text in (*run.problems, run.error):
        if text:
            st.warning(markdown(text))
    _buttons(run)


def _progress_text(run: RunInfo, steps: int) -> str:
    if run.step is None or not run.is_live:
        return f"{run.steps_done:,} of {steps:,} batches"
    left = (steps - run.step.step) * run.step.seconds / max(1, run.step.step)
    return (
        f"{run.step.step:,} of {steps:,} · {run.step.images_per_second:,.0f} pictures/s · {left:,.0f} s left"
    )


def _before_and_after(run: RunInfo) -> str:
    c = run.comparison
    assert c is not None
    verb = "neither better nor worse"
    if abs(c.difference) > c.difference_ci95:
        verb = "better" if c.difference > 0 else "worse"
    return f"After training: {verb} than before ({c.before:.0%} to {c.after:.0%}, on the same tests)."


def _buttons(run: RunInfo) -> None:
    from fsl.training.verdict import try_rate

    with st.container(horizontal=True):
        if run.is_live:
            _button("Stop", f"stop_{run.id}", _stop, run.id)
        elif run.status in ("stopped", "interrupted", "failed"):
            _button("Resume", f"resume_{run.id}", _resume, run.id)
        if run.verdict and run.config:
            rate = try_rate(run.verdict, run.config.learning_rate)
            if rate is not None:
                _button(f"Try {rate_text(rate)} instead", f"try_{run.id}", _use_rate, str(rate))
    if run.has_checkpoint and not run.is_live:
        with st.popover("Keep", use_container_width=True):
            name = st.text_input("Name", key=f"name_{run.id}", placeholder="my network")
            st.button(
                "Use on every page",
                key=f"save_{run.id}",
                disabled=not name.strip(),
                on_click=guarded_callback(_save),
                args=(run.id, name),
            )
            _downloads(run)
            _button("Delete this run", f"delete_{run.id}", _delete, run.id)


def _button(label: str, key: str, action: object, argument: str) -> None:
    st.button(label, key=key, on_click=guarded_callback(action), args=(argument,))  # type: ignore[arg-type]


def _downloads(run: RunInfo) -> None:
    from fsl.training.runs import CHECKPOINT, EVENTS

    for label, file in (("Network (.safetensors)", CHECKPOINT), ("Curve (events as JSON lines)", EVENTS)):
        path = run.folder / file
        if path.is_file():
            st.download_button(
                label, path.read_bytes, f"{run.id}-{file}", key=f"get_{file}_{run.id}", on_click="ignore"
            )


def _stop(run_id: str) -> None:
    from fsl.training.background import run_manager

    run_manager().stop(run_id)


def _resume(run_id: str) -> None:
    from fsl.training.background import run_manager

    run_manager().resume(run_id)


def _delete(run_id: str) -> None:
    from fsl.training.background import run_manager

    run_manager().delete(run_id)
    values()["shown"] = [shown for shown in values().get("shown", []) if shown != run_id]


def _save(run_id: str, name: str) -> None:
    from fsl.training.background import save_as

    save_as(run_id, name)
    values()["note"] = f"“{name.strip()}” can now be chosen on every page."


def _use_rate(rate: str) -> None:
    wanted = float(rate)
    set_values({"rates": [min(RATES, key=lambda known: abs(math.log(known / wanted)))]})
