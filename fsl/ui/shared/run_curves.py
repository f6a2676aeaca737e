"""Curves of training runs, thinned and smoothed for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fsl.training.curves import smooth, thinned
from fsl.ui.components.curve import Level, Line
from fsl.ui.shared import core

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

GUESSING_LOSS = Level(0.6931, "0.69: guessing")
"""Cross-entropy of a network that answers 1/2 every time: ln 2."""
_SMOOTH = 0.6  # more would draw a leap of the first batches out over half a short run


def loss_levels(runs: Sequence[RunInfo]) -> Sequence[Level]:
    """Return the loss of guessing, or nothing where no run uses cross-entropy."""
    return (GUESSING_LOSS,) if any(run.config and run.config.loss == "bce" for run in runs) else ()


def loss_line(run: RunInfo, name: str) -> Line:
    """Return the curve of a run's training loss so far, labelled ``name``."""
    steps = [event for event in core.run_events(run.folder) if isinstance(event, core.Step)]
    return smoothed_line(name, [step.step for step in steps], [step.loss for step in steps])


def smoothed_line(name: str, x: Sequence[int], y: Sequence[float]) -> Line:
    """Return a curve with its smoothed values, thinned to what a screen can show."""
    # Smooth first: thinning keeps the extremes, and a mean of extremes would mislead.
    rows, smoothed = thinned(y), smooth(y, _SMOOTH)
    return Line(name, [x[i] for i in rows], [y[i] for i in rows], smoothed[rows].tolist())
