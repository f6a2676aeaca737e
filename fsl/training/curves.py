"""Loss curves: thinned for the screen, smoothed, and as a CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from fsl.base.types import Float64Array, IntArray
from fsl.training.events import Evaluation, Step, TrainEvent, Verdict

MOST_POINTS = 500
CSV_COLUMNS = (
    "step",
    "loss",
    "learning_rate",
    "images_per_second",
    "seconds",
    "logit_std",
    "separation",
    "embedding_spread",
    "accuracy",
    "ci95",
    "n_way",
    "n_shot",
    "n_episodes",
    "validation_loss",
    "verdict",
)


def thinned(y: Sequence[float], most: int = MOST_POINTS) -> IntArray:
    """Return which values of a long curve to draw: the lowest and the highest of each group of neighbours.

    Args:
        y: the values; nan and infinity are left out.
        most: values kept, 4 or more.

    Returns:
        int64 ``(n,)``, rising positions in ``y``, n <= most; the curve through them looks the same.
    """
    ys = np.asarray(y, np.float64)
    rows = np.flatnonzero(np.isfinite(ys))
    if len(rows) <= most:
        return rows
    kept = {0, len(rows) - 1}
    for bucket in np.array_split(np.arange(len(rows)), (most - 2) // 2):
        values = ys[rows[bucket]]
        kept |= {int(bucket[values.argmin()]), int(bucket[values.argmax()])}
    return rows[sorted(kept)]


def curve_csv(events: Sequence[TrainEvent]) -> str:
    """Return a run's curves as CSV: one row per reported batch, with its test and verdict.

    Returns:
        text with ``CSV_COLUMNS`` in its first line; what was not measured at a batch is empty.
    """
    rows: dict[int, dict[str, object]] = {}
    for event in events:
        if isinstance(event, Step):
            found = asdict(event)
        elif isinstance(event, Evaluation):
            found = asdict(event)
            found["validation_loss"] = found.pop("loss")
        elif isinstance(event, Verdict):
            found = {"step": event.step, "verdict": event.kind}
        else:
            continue
        rows.setdefault(event.step, {}).update(found)
    text = io.StringIO()
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows[step] for step in sorted(rows))
    return text.getvalue()


def smooth(y: Sequence[float], weight: float = 0.9) -> Float64Array:
    """Return the exponential moving average, corrected for its start (Kingma and Ba, "Adam", 2015).

    Args:
        y: values; nan and infinity are carried over from the one before.
        weight: of the past, 0 to below 1.

    Returns:
        float64 of the same length.
    """
    out = np.empty(len(y), np.float64)
    average, total = 0.0, 0.0
    for i, value in enumerate(y):
        if np.isfinite(value):
            average = weight * average + (1 - weight) * value
            total = weight * total + (1 - weight)
        out[i] = average / total if total else np.nan
    return out
