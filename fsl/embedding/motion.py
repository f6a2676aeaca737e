"""Moving maps: the same images as a network embeds them at several moments of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from numpy.typing import NDArray

from fsl.base.progress import Progress
from fsl.base.types import IntArray
from fsl.embedding.distances import euclidean_distances
from fsl.embedding.maps import EmbeddingMap, MapConfig, next_map
from fsl.embedding.quality import Measure, neighbour_accuracy, silhouette


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a moving map.

    Attributes:
        step: number of batches trained.
        map: the images' map, aligned with the previous frame.
        neighbour_accuracy: share of images whose nearest other image is of their class, in [0, 1].
        silhouette: silhouette coefficient of the classes, -1 to 1.
    """

    step: int
    map: EmbeddingMap
    neighbour_accuracy: Measure
    silhouette: Measure


@dataclass(frozen=True, eq=False)
class Recording:
    """Embeddings of the same n images at several moments of training.

    Attributes:
        steps: number of batches trained, rising.
        embeddings: float ``(n, D)`` at each step.
        labels: int64 ``(n,)``, the class of each image.
        by_direction: whether only the direction of an embedding counts, as for the cosine head.
    """

    steps: Sequence[int]
    embeddings: Sequence[NDArray[np.floating]]
    labels: IntArray
    by_direction: bool = False


def moving_map(
    recording: Recording, config: MapConfig, before: Sequence[Frame] = (), progress: Progress | None = None
) -> tuple[Frame, ...]:
    """Make a frame for each moment, by Euclidean distance because the head is not recorded.

    Args:
        config: how maps are made.
        before: frames of earlier moments, which the new ones continue.
        progress: called with (done, total).

    Returns:
        the earlier frames and the new ones.

    Raises:
        SettingsError: as :func:`fsl.embedding.maps.next_map`.
    """
    frames = list(before)
    for number, (step, embeddings) in enumerate(zip(recording.steps, recording.embeddings, strict=True)):
        if progress is not None:
            progress(number, len(recording.steps))
        values = torch.from_numpy(embeddings.astype(np.float32))
        distances = euclidean_distances(F.normalize(values, dim=1) if recording.by_direction else values)
        frames.append(
            Frame(
                step,
                next_map(frames[-1].map if frames else None, distances, config),
                neighbour_accuracy(distances, recording.labels),
                silhouette(distances, recording.labels),
            )
        )
    return tuple(frames)


def still_valid(steps: Sequence[int], begun: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return the earlier frames that still begin the recording.

    A long run drops some of its moments (``fsl.training.snapshots``), so frames after a dropped one are made
    again.
    """
    by_step = {frame.step: frame for frame in begun}
    return tuple(by_step[step] for step in takewhile(by_step.__contains__, steps))
