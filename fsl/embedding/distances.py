"""Distances between images: Euclidean, or learned by the twin."""

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
    """Return the distance of every pair of images.

    "euclidean" is the distance of two embeddings. "learned" is the twin's own: the head's logit minus the
    logit ``b`` of an image paired with itself, so that the diagonal is 0. If the head learned a negative
    weight, a pair may be more similar than an image and itself; its distance is then 0. Otherwise the order
    of the similarities is kept.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(n, D)``, n at most ``MAX_IMAGES``.
        metric: "learned" or "euclidean".

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
        # The mean of both sides, because a matrix product is symmetric only up to rounding.
        distances: Float32Array = logits + logits.T
        distances *= 0.5
        distances -= own
        np.maximum(distances, 0.0, out=distances)
    else:
        distances = euclidean_distances(embeddings)
    np.fill_diagonal(distances, 0.0)
    return distances


@torch.inference_mode()
def euclidean_distances(embeddings: Tensor) -> Float32Array:
    """Return Euclidean distances ``(n, n)`` of float32 embeddings ``(n, D)``, computed in blocks."""
    n = len(embeddings)
    out = torch.empty(n, n)
    rows = max(1, PAIRS_AT_ONCE // max(1, n))
    for start in range(0, n, rows):
        # The exact mode: the faster one, by matrix products, is not symmetric, nor 0 for equal embeddings.
        out[start : start + rows] = torch.cdist(
            embeddings[start : start + rows], embeddings, compute_mode="donot_use_mm_for_euclid_dist"
        )
    distances: Float32Array = out.numpy()
    return distances
