"""The learning-rate range test: which rate is worth a try, in under a minute."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.ui.components.curve import Axes, ChartOptions, Line, Mark, curves
from fsl.ui.pages.training.data import version_of_own_data
from fsl.ui.pages.training.request import TrainRequest, config_of, run_plans
from fsl.ui.pages.training.settings import RATES
from fsl.ui.pages.training.state import training_state
from fsl.ui.shared import core
from fsl.ui.shared.guard import guarded, guarded_callback
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.run_labels import learning_rate_text
from fsl.ui.shared.waiting import reading_bar

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

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
        if st.button("Run the test", key="range_test"):
            state.range_begun = _Begun(_key(request))
        begun = state.range_begun
        if begun is not None and begun.of == _key(request):  # goes on after a click
            try:
                found = _run(begun, replace(request, rates=(core.LOWEST,)))  # its own rates count
            except Exception:
                state.range_begun = None
                raise
            state.range_found = (_key(request), found)
        state.range_begun = None
        if state.range_found is None:
            return
        of, points = state.range_found
        if of != _key(request):
            st.caption("The settings have changed since the last test. Run it again.")
            return
        _show_points(points)


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
    st.button(
        f"Use {learning_rate_text(suggestion)}",
        key="use_suggestion",
        on_click=guarded_callback(_use),
        args=(suggestion,),
    )


def _key(request: TrainRequest) -> Hashable:
    """Return what the result depends on: neither the chosen rates nor the length of a run."""
    return replace(request, rates=(), config=replace(request.config, steps=1)), version_of_own_data(
        request.data
    )


@dataclass
class _Begun:
    """A test that is running.

    Attributes:
        of: what its result depends on.
        points: points measured so far.
        rest: iterator over the remaining points; None before the pictures are read.
    """

    of: Hashable
    points: list[RangePoint] = field(default_factory=list)
    rest: Iterator[RangePoint] | None = None


def _run(begun: _Begun, request: TrainRequest) -> list[RangePoint]:
    bar = st.progress(0.0, "Reading pictures …")
    if begun.rest is None:
        begun.rest = _test(run_plans(request)[0], bar)
    with core.run_manager().beside() as take_share:
        while True:
            with COMPUTE:  # released after each batch, so that nobody else waits long
                take_share()
                point = next(begun.rest, None)
            if point is None:
                break
            begun.points.append(point)
            done = len(begun.points) / core.N_POINTS
            bar.progress(done, f"rate {learning_rate_text(float(f'{point.lr:.2g}'))}, loss {point.loss:.3f}")
    bar.empty()
    return [point for point in begun.points if math.isfinite(point.loss)]


def _test(plan: RunPlan, bar: DeltaGenerator) -> Iterator[RangePoint]:
    """Read the pictures and return the test as an iterator over its points."""
    data = plan.data
    if isinstance(data, core.DataSpec):
        data = core.load_training_data(
            data, config_of(plan.start), plan.spec.config.seed, lambda problems: None, reading_bar(bar)
        )
    return core.lr_range(data.train, plan.spec.config, plan.start, n_points=core.N_POINTS)


def _use(rate: float) -> None:
    RATES.put([rate])
