"""The learning-rate range test: which rate is worth a try, in under a minute."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.curve import Axes, ChartOptions, Line, Mark, curves
from fsl.ui.pages.training.data import version_of_own_data
from fsl.ui.pages.training.request import TrainRequest, config_of, run_plans
from fsl.ui.pages.training.settings import RATES
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded, guarded_button
from fsl.ui.shared.kept_button import kept_button
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.run_labels import learning_rate_text
from fsl.ui.shared.work import ReportProgress, Work, percent_done, show_progress

if TYPE_CHECKING:
    from fsl.training.lr_range import RangePoint
    from fsl.training.run_plan import RunPlan


def show_range_test(request: TrainRequest) -> None:
    """Show a button, then the loss by learning rate with the suggestion marked."""
    state = training_state()
    with st.expander("Find a learning rate"), guarded():
        st.caption(
            f"Trains a temporary copy for {core.N_POINTS} batches while the rate rises from far too low to "
            "far too high. A good rate is where the loss falls fastest."
        )
        inputs = _inputs(request)
        with kept_button("Run the test", "range_test") as is_pressed:
            if is_pressed:
                _start(request, inputs)
        work = state.range_test
        if work is None:
            return
        if work.inputs != inputs:
            work.cancel()
            st.caption("The settings have changed since the last test. Run it again.")
        elif not work.wait_at_first():
            show_progress(work)
        elif work.is_cancelled:  # while nobody looked at the tab, or as the settings changed for a while
            st.caption("The last test was interrupted. Run it again.")
        else:
            _show_points(work.result())


def _start(request: TrainRequest, inputs: Hashable) -> None:
    plan = run_plans(replace(request, rates=(core.LOWEST,)))[0]  # the test sets its own rates
    state = training_state()
    if state.range_test is not None:
        state.range_test.cancel()
    state.range_test = Work(partial(_measure, plan), inputs)


def _inputs(request: TrainRequest) -> Hashable:
    """Return what the outcome depends on: everything but the chosen rates and the length of a run."""
    shortened = replace(request, rates=(), config=replace(request.config, steps=1))
    return shortened, version_of_own_data(request.data)


def _measure(plan: RunPlan, report: ReportProgress) -> list[RangePoint]:
    """Train at rising rates and return the points whose loss is a number."""
    data = plan.data
    if isinstance(data, core.DataSpec):
        model, seed = config_of(plan.start), plan.spec.config.seed
        progress = percent_done(report, "Reading pictures")
        data = core.load_training_data(data, model, seed, lambda problems: None, progress)
    rest = core.lr_range(data.train, plan.spec.config, plan.start, n_points=core.N_POINTS)
    points: list[RangePoint] = []
    with core.run_manager().beside() as take_share:
        while True:
            with COMPUTE:  # released after each batch, so that others can compute
                take_share()
                point = next(rest, None)
            if point is None:
                return [one for one in points if math.isfinite(one.loss)]
            points.append(point)
            rate = learning_rate_text(float(f"{point.lr:.2g}"))
            report(len(points) / core.N_POINTS, f"rate {rate}, loss {point.loss:.3f}")


def _show_points(points: Sequence[RangePoint]) -> None:
    """Show the loss by learning rate, and offer the suggested rate."""
    if not points:
        st.caption("The loss was not a number from the first batch on. Try other settings.")
        return
    x = [math.log10(point.lr) for point in points]
    line = Line("loss", x, [p.loss for p in points], [p.smoothed for p in points])
    suggestion = core.suggest_rate(points)
    marks = [Mark(math.log10(suggestion), learning_rate_text(suggestion))] if suggestion else []
    curves(
        [line],
        key="range_curve",
        label="Loss by learning rate",
        axes=Axes("learning rate", x[0], x[-1], x_log=True),
        options=ChartOptions(marks=marks, height=240),
    )
    if suggestion is None:
        st.caption("The loss does not fall anywhere, so there is no rate to suggest. Try other settings.")
        return
    guarded_button(f"Use {learning_rate_text(suggestion)}", "use_suggestion", partial(_use, suggestion))


def _use(rate: float) -> None:
    RATES.put([rate])
