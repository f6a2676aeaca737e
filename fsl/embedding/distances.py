"""How far apart images are: by their embeddings, or by the twin's own judgement."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import SettingsError
from fsl.base.types import Float32Array
from fsl.embedding.labelled import MAX_IMAGES
from fsl.twin.inference import PAIRS_AT_ONCE, pair_logits
from fsl.twin.network import TwinNetwork

Metric = Literal["learned", "euclidean"]
METRICS: tuple[Metric, ...] = ("learned", "euclidean")


def pair_distances(twin: TwinNetwork, embeddings: Tensor, metric: Metric) -> Float32Array:
    """The distance of every pair of images.

    "euclidean" is the straight line between two embeddings. "learned" is what the twin network itself goes
    by: the head's logit less the logit ``b`` of an image paired with itself, so that the diagonal is 0. Where
    the head learned a negative weight, a pair can be judged more alike than an image and itself; such a
    distance is 0. The order of the similarities is kept otherwise.

    Args:
        twin: the network whose head judges.
        embeddings: float32 ``(n, D)``, n at most ``MAX_IMAGES``.
        metric: which of the two.

    Returns:
        float32 ``(n, n)``, symmetric, not negative, 0 on the diagonal.

    Raises:
        SettingsError: there are too many images.
    """
    if len(embeddings) > MAX_IMAGES:
        raise SettingsError(
            f"{len(embeddings):,} images are too many for a map of all pairs; choose {MAX_IMAGES:,} or fewer."
        )
    if metric == "learned":
        own = float(twin.head.bias.detach())
        logits: Float32Array = pair_logits(twin, embeddings, embeddings).numpy()
        # Half of it from each side: a head that multiplies matrices is symmetric but for rounding.
        distances: Float32Array = logits + logits.T
        distances *= 0.5
        distances -= own
        np.maximum(distances, 0.0, out=distances)
    else:
        distances = straight_lines(embeddings)
    np.fill_diagonal(distances, 0.0)
    return distances


@torch.inference_mode()
def straight_lines(embeddings: Tensor) -> Float32Array:
    """Euclidean distances ``(n, n)`` of float32 embeddings ``(n, D)``, a few rows at a time."""
    n = len(embeddings)
    out = torch.empty(n, n)
    rows = max(1, PAIRS_AT_ONCE // max(1, n))
    for start in range(0, n, rows):
        # The exact mode: the quick one by matrix products is not symmetric, nor 0 between equal embeddings.
        out[start : start + rows] = torch.cdist(
            embeddings[start : start + rows], embeddings, compute_mode="donot_use_mm_for_euclid_dist"
        )
    distances: Float32Array = out.numpy()
    return distances
