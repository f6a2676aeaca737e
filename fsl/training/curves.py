"""Loss curves for people: thinned to what a screen can show, and smoothed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
MOST_POINTS = 500


def thin(x: Sequence[float], y: Sequence[float], most: int = MOST_POINTS) -> tuple[FloatArray, FloatArray]:
    """At most ``most`` points that look the same: of each bucket of neighbours the lowest and the highest.

    Args:
        x: rising.
        y: of the same length; nan and infinity are left out.
        most: points kept, 4 or more.

    Returns:
        float64 ``(n,)`` each, n <= most.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    finite = np.isfinite(ys)
    xs, ys = xs[finite], ys[finite]
    if len(xs) <= most:
        return xs, ys
    kept = {0, len(xs) - 1}
    for bucket in np.array_split(np.arange(len(xs)), (most - 2) // 2):
        kept |= {int(bucket[ys[bucket].argmin()]), int(bucket[ys[bucket].argmax()])}
    order = sorted(kept)
    return xs[order], ys[order]


def smooth(y: Sequence[float], weight: float = 0.9) -> FloatArray:
    """Exponential moving average, corrected for its start (Kingma and Ba, "Adam", 2015, section 3).

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
