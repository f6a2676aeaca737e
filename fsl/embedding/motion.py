"""A map that moves: the same images as a network sees them at moments of its training."""

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
from fsl.embedding.distances import straight_lines
from fsl.embedding.maps import EmbeddingMap, MapConfig, next_map
from fsl.embedding.quality import Measure, neighbour_accuracy, silhouette


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment.

    Attributes:
        step: batches done.
        map: where the images lie; aligned with the frame before.
        neighbour_accuracy: share of images whose nearest other image is of their class, in [0, 1].
        silhouette: of the classes, -1 to 1.
    """

    step: int
    map: EmbeddingMap
    neighbour_accuracy: Measure
    silhouette: Measure


@dataclass(frozen=True, eq=False)
class Recording:
    """Embeddings of the same n images at several moments.

    Attributes:
        steps: batches done, rising.
        embeddings: float ``(n, D)`` at each.
        labels: int64 ``(n,)``, the class of each image.
        by_direction: whether only the direction of an embedding counts, as for the cosine head.
    """

    steps: Sequence[int]
    embeddings: Sequence[NDArray[np.floating]]
    labels: IntArray
    by_direction: bool = False


def moving_map(
    recording: Recording,
    config: MapConfig,
    before: Sequence[Frame] = (),
    progress: Progress | None = None,
) -> tuple[Frame, ...]:
    """A frame for each moment, by Euclidean distance (a head is not recorded, so its judgement is not known).

    Args:
        recording: what the network saw.
        config: how maps are made.
        before: frames of moments before those; the new ones go on from the last of them.
        progress: called with (done, total).

    Returns:
        the frames before, and the new ones.

    Raises:
        SettingsError: as :func:`fsl.embedding.maps.next_map`.
    """
    frames = list(before)
    for number, (step, embeddings) in enumerate(zip(recording.steps, recording.embeddings, strict=True)):
        if progress is not None:
            progress(number, len(recording.steps))
        values = torch.from_numpy(embeddings.astype(np.float32))
        distances = straight_lines(F.normalize(values, dim=1) if recording.by_direction else values)
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
    """The frames made before that open the recording as it is now.

    A run that goes on thins its moments out (``fsl.training.snapshots``). The maps after one that is gone
    stay as good as they were: each was turned onto the one before it.

    Args:
        steps: of the moments recorded now, rising.
        begun: the frames of the same run, made earlier.
    """
    by_step = {frame.step: frame for frame in begun}
    return tuple(by_step[step] for step in takewhile(by_step.__contains__, steps))
