"""Whether fine-tuning made a network better on other pictures, or whether the difference may be chance.

The tests of a run draw hundreds of episodes from the same few pictures, so an interval over episodes is far
too narrow: it says how the next episodes on these pictures would turn out. What matters is the next pictures.
So the pictures are what is counted here.
"""

from __future__ import annotations

import numpy as np

from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.fewshot.episodes import Episodes

_FLIPS = 4999
_SIGNS_AT_ONCE = 1_000_000  # 16 MB
_RESAMPLES = 1000


def picture_accuracy(episodes: Episodes, right: BoolArray, n: int) -> Float64Array:
    """Return how often each picture was answered correctly as a query.

    Args:
        episodes: E episodes of N ways and Q queries.
        right: bool ``(E, N, Q)``.

    Returns:
        float64 ``(n,)``, in [0, 1]; NaN for a picture that was never asked about.
    """
    rows = episodes.query.reshape(-1)
    asked = np.bincount(rows, minlength=n)
    n_right = np.bincount(rows, right.reshape(-1), n)
    found: Float64Array = np.divide(n_right, asked, out=np.full(n, np.nan), where=asked > 0)
    return found


def chance_of(before: Float64Array, after: Float64Array, seed: int = 0) -> float:
    """Return how often chance alone makes a difference as large as the one between two networks.

    A paired permutation test: if both networks were equally good, each picture's difference would be as
    likely to have the other sign.

    Args:
        before: float64 ``(n,)``, accuracy on each picture before training.
        after: float64 ``(n,)``, after it; NaN where unknown.

    Returns:
        the p-value, above 0 to 1; 1 if there are no pictures.
    """
    differences = after - before
    differences = differences[np.isfinite(differences)]
    observed = abs(float(differences.sum()))
    if observed == 0:
        return 1.0
    rng, n_as_large = np.random.default_rng(seed), 0
    at_once = max(1, _SIGNS_AT_ONCE // len(differences))
    for first in range(0, _FLIPS, at_once):
        signs = rng.choice((-1.0, 1.0), (min(at_once, _FLIPS - first), len(differences)))
        n_as_large += int((np.abs(signs @ differences) >= observed - 1e-9).sum())
    return (1 + n_as_large) / (1 + _FLIPS)


def interval_over_pictures(values: Float64Array, labels: IntArray, seed: int = 0) -> tuple[float, float]:
    """Return the 95% interval of a mean over pictures, by a bootstrap over classes and their pictures.

    Args:
        values: float64 ``(n,)``, one value per picture.
        labels: int64 ``(n,)``, their classes.

    Returns:
        its lower and upper end.
    """
    rng = np.random.default_rng(seed)
    of_class = [values[labels == label] for label in np.unique(labels)]
    means = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        drawn = [of_class[c] for c in rng.integers(len(of_class), size=len(of_class))]
        means[i] = np.concatenate([rng.choice(one, len(one)) for one in drawn]).mean()
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
