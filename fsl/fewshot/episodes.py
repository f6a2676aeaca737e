"""Draw N-way K-shot episodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fsl.base.errors import DataError
from fsl.base.text import count, listed
from fsl.base.types import IntArray
from fsl.config import EpisodeConfig

_VALUES_AT_ONCE = 500_000  # random numbers; sorting them takes a few times 4 MB


@dataclass(frozen=True)
class Episodes:
    """E episodes, as rows of an image set.

    Attributes:
        classes: int64 ``(E, N)``, labels of the classes of each episode.
        support: int64 ``(E, N, K)``, rows.
        query: int64 ``(E, N, Q)``, rows, none of them in the episode's support.
    """

    classes: IntArray
    support: IntArray
    query: IntArray

    @property
    def rows(self) -> IntArray:
        """Return the rows of all images that take part, int64 ``(n,)``, in order."""
        return np.unique(np.concatenate([self.support.reshape(-1), self.query.reshape(-1)]))


def fit_ways(config: EpisodeConfig, labels: IntArray) -> tuple[EpisodeConfig, str]:
    """Reduce the ways to the number of classes with enough images.

    Args:
        config: the requested settings.
        labels: int64 ``(N,)``.

    Returns:
        the settings to use, and a sentence that says what was changed, or "".

    Raises:
        DataError: fewer than two classes have enough images.
    """
    counts = np.unique(labels, return_counts=True)[1]
    needed = config.n_shot + config.n_query
    usable = int((counts >= needed).sum())
    if usable < 2:
        raise DataError(
            f"{config.n_shot}-shot episodes with {count(config.n_query, 'query', 'queries')} need 2 classes "
            f"with at least {needed} images each; of {count(len(counts), 'class', 'classes')} "
            f"{usable} {'has' if usable == 1 else 'have'} that many. "
            "Add images, or ask for fewer shots or queries."
        )
    if usable >= config.n_way:
        return config, ""
    smaller = EpisodeConfig(usable, config.n_shot, config.n_query, config.n_episodes, config.seed)
    return (
        smaller,
        f"{usable}-way tests instead of {config.n_way}-way: only {usable} classes have enough images.",
    )


def too_small(labels: IntArray, class_names: Sequence[str], config: EpisodeConfig) -> dict[str, int]:
    """Return the classes with too few images for an episode, which are never asked about, and their sizes.

    Args:
        labels: int64 ``(N,)``.
        class_names: C names.
        config: the settings in use.
    """
    counts = np.bincount(labels, minlength=len(class_names)).tolist()
    needed = config.n_shot + config.n_query
    return {name: n for name, n in zip(class_names, counts, strict=True) if n < needed}


def left_out_text(small: Mapping[str, int], n_classes: int, config: EpisodeConfig) -> str:
    """Return a sentence about the classes of ``too_small``, at least one."""
    kinds = f"{len(small)} of {count(n_classes, 'class', 'classes')}"
    shown = listed([f"{name} ({n})" for name, n in small.items()])
    asked = f"{config.n_shot} to show, {config.n_query} to ask about"
    return f"left out {kinds} with fewer than {config.n_shot + config.n_query} pictures ({asked}): {shown}."


def sample_episodes(labels: IntArray, config: EpisodeConfig) -> Episodes:
    """Draw episodes; the same labels, settings and seed give the same episodes.

    Classes are drawn without replacement within an episode and images without replacement within a class, so
    support and query images differ.

    Args:
        labels: int64 ``(N,)``, from 0.
        config: ways, shots, queries, episodes, seed.

    Raises:
        DataError: there are not enough classes with enough images, or a label is negative.
    """
    if len(labels) and labels.min() < 0:
        raise DataError("Images without a class (label -1) cannot be tested. Leave them out.")
    names, counts = np.unique(labels, return_counts=True)
    needed = config.n_shot + config.n_query
    usable = names[counts >= needed]
    if len(usable) < config.n_way:
        raise DataError(
            f"{config.n_way}-way episodes need {config.n_way} classes with at least {needed} images each; "
            f"there are {len(usable)}. Ask for fewer ways, shots or queries."
        )
    rng = np.random.default_rng(config.seed)
    chosen = np.empty((config.n_episodes, config.n_way), np.int64)
    for block in _blocks(config.n_episodes, len(usable)):
        keys = rng.random((block.stop - block.start, len(usable)))
        chosen[block] = np.argsort(keys, axis=1)[:, : config.n_way]

    rows_by_class = [np.flatnonzero(labels == name) for name in usable]
    longest = max(map(len, rows_by_class))
    table = np.full((len(usable), longest), -1, np.int64)
    for i, rows in enumerate(rows_by_class):
        table[i, : len(rows)] = rows

    picked = np.empty((config.n_episodes, config.n_way, needed), np.int64)
    for way in range(config.n_way):
        for block in _blocks(config.n_episodes, longest):
            rows = table[chosen[block, way]]
            keys = np.where(rows >= 0, rng.random(rows.shape), np.inf)
            picked[block, way] = np.take_along_axis(rows, np.argsort(keys, axis=1)[:, :needed], axis=1)
    return Episodes(usable[chosen], picked[:, :, : config.n_shot], picked[:, :, config.n_shot :])


def _blocks(n_episodes: int, n_values: int) -> Iterator[slice]:
    """Yield blocks of episodes, for each of which ``n_values`` are drawn; the draws do not depend on them."""
    step = max(1, _VALUES_AT_ONCE // n_values)
    for first in range(0, n_episodes, step):
        yield slice(first, min(first + step, n_episodes))
