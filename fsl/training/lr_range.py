"""The learning-rate range test: train while the rate rises from far too low to far too high.

The rate grows exponentially, a little with each batch. The loss is flat where the rate is too low, falls
where it is right and rises where it is too high. Source: Smith, "Cyclical Learning Rates for Training Neural
Networks", 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsl.base.settings import require
from fsl.base.types import Float64Array
from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.batch import index_to_train_on, train_step
from fsl.training.prepare import drop_features_too_large, fit_adapter
from fsl.training.state import new_state
from fsl.twin.network import TwinNetwork

LOWEST, HIGHEST = 1e-6, 1.0
N_POINTS = 120
FEWEST_POINTS = 10  # needed for a suggestion
DIVERGED = 4.0  # times the lowest smoothed loss; the test ends there
DEAD_OUTPUTS = 1e-5  # standard deviation of a batch's logits: they do not depend on the input at all
DEAD_BATCHES = 5  # after so many such batches in a row, no rate revives the network
MEMORY = 0.8  # weight of the earlier smoothed loss at each batch
LEAP = 2.0  # times the lowest loss so far; the suggestion ignores points after such a leap
CLEAR_FALL = 2.5  # standard errors of the smoothed loss
LEAST_FALL = 0.03  # of the loss at the lowest rates
SMOOTHING_POINTS = 4.0  # standard deviation of the Gaussian window for the suggestion


@dataclass(frozen=True)
class RangePoint:
    """One batch of a range test.

    Attributes:
        lr: learning rate of the batch.
        loss: loss of the batch before its step; NaN or infinite at the end of a test whose loss broke down.
        smoothed: running mean of the loss.
    """

    lr: float
    loss: float
    smoothed: float


def check_range(config: TrainConfig, lowest: float, highest: float, n_points: int) -> None:
    """Refuse an impossible range, before any picture is read.

    Raises:
        SettingsError: the range is empty, or no run can be trained at its rates.
    """
    require(
        0 < lowest < highest,
        f"The lowest rate of the range is {lowest:g} and the highest {highest:g}; the lowest must be above "
        "0, and the highest above the lowest.",
    )
    require(n_points >= 2, f"The number of points is {n_points}; it must be 2 or more.")
    for rate in (lowest, highest):
        replace(config, learning_rate=rate)  # refuses rates that are out of range


def lr_range(
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    n_points: int = N_POINTS,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[RangePoint]:
    """Run the test, yielding a point per batch.

    It ends early if the loss is no longer a number, if the smoothed loss is ``DIVERGED`` times its lowest, or
    if the network is dead: its outputs have not depended on the input for ``DEAD_BATCHES`` batches. The loss
    of a dead network stays at one value, however high the rate rises.

    Args:
        data: images to train on, of the network's input size.
        config: settings of the run to find a rate for; its rate, schedule and number of batches are ignored.
        start: an architecture, or a network to copy.
        lowest, highest: the range of rates.
        n_points: number of batches.
        should_stop: called after every batch, and while an adapter is fitted before the first one; return
            True to stop.

    Raises:
        SettingsError: the range is empty, or no run can be trained at its rates.
        DataError: the data cannot be trained with.
    """
    check_range(config, lowest, highest, n_points)
    rates = np.geomspace(lowest, highest, n_points)
    state = new_state(replace(config, schedule="constant"), start)
    index = index_to_train_on(data, state.twin)
    drop_features_too_large(state, data)
    for _ in fit_adapter(state, data):
        if should_stop():
            return
    running, weight, best, n_dead = 0.0, 0.0, math.inf, 0
    for rate in rates.tolist():
        numbers, _ = train_step(state, data, index, replace(config, learning_rate=rate, schedule="constant"))
        loss, logit_std = numbers[:2].tolist()
        n_dead = n_dead + 1 if logit_std < DEAD_OUTPUTS else 0
        running = MEMORY * running + (1 - MEMORY) * loss
        weight = MEMORY * weight + (1 - MEMORY)  # corrects the mean for its start at 0
        smoothed = running / weight
        best = min(best, smoothed)
        yield RangePoint(rate, loss, smoothed)
        has_diverged = not math.isfinite(loss) or smoothed > DIVERGED * best
        if has_diverged or n_dead >= DEAD_BATCHES or should_stop():
            return


def suggest_rate(points: Sequence[RangePoint]) -> float | None:
    """Return the rate at which the loss falls most steeply over the logarithm of the rate.

    The loss is smoothed by a Gaussian window, which unlike a running mean does not lag behind. Where the
    rates are too low, the loss of each batch differs from the last one by chance alone, and some of these
    steps are steep. So only the fall itself is searched: from where the loss leaves that level for good until
    it is nearly at its lowest.

    Returns:
        the rate, to two digits; None if the loss does not fall by more than chance, or there are too few
        points.
    """
    finite = [p for p in points if math.isfinite(p.loss)]
    if len(finite) < FEWEST_POINTS:
        return None
    raw = np.array([p.loss for p in finite])
    losses = _smooth(raw)
    slopes = np.gradient(losses, np.log([p.lr for p in finite]))
    leaps = np.flatnonzero(losses > LEAP * np.minimum.accumulate(losses))
    if len(leaps):  # a fall from there to the constant loss of a dead network is not learning
        losses = losses[: leaps[0]]
    fall = _fall(losses, noise=float(np.std(raw[: len(losses)] - losses)))
    if fall is None:
        return None
    steepest = fall.start + int(slopes[fall].argmin())
    return float(f"{finite[steepest].lr:.2g}") if slopes[steepest] < 0 else None


def _fall(losses: Float64Array, noise: float) -> slice | None:
    """Return the part of a smoothed curve where it falls, or None if it falls by no more than noise would.

    Args:
        losses: smoothed losses, by rising rate.
        noise: standard deviation of the losses about them.
    """
    level = float(np.median(losses[: max(3, len(losses) // 8)]))
    lowest = int(losses.argmin())
    drop = level - float(losses[lowest])
    if lowest < 2 or drop <= max(CLEAR_FALL * noise / math.sqrt(SMOOTHING_POINTS), LEAST_FALL * level):
        return None
    before = losses[: lowest + 1]
    start = int(np.flatnonzero(before >= level - 0.1 * drop).max(initial=0))
    end = start + int(np.flatnonzero(before[start:] <= level - 0.9 * drop)[0])
    return slice(start, end + 1)


def _smooth(values: Float64Array) -> Float64Array:
    """Smooth by a Gaussian window (deviation ``SMOOTHING_POINTS``), normalised at both ends."""
    distance = np.arange(len(values))[:, None] - np.arange(len(values))[None]
    weights = np.exp(-0.5 * (distance / SMOOTHING_POINTS) ** 2)
    smoothed: Float64Array = weights @ values / weights.sum(1)
    return smoothed
