"""Within-class whitening: reduce the directions in which images of one class differ.

Light, pose and background move the embeddings of one class along a few directions, which say little about
the class. They are found from labelled images of many classes, as the leading eigenvectors of the covariance
within classes. This is whitening by the within-class covariance, shrunk towards the identity (Hariharan,
Malik and Ramanan, 2012; Fisher's discriminant without its last step), limited to the directions that matter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.base.types import Float32Array, Float64Array, IntArray


class Whitening(nn.Module):
    """Centre embeddings, reduce some directions, and scale to unit length; fitted, not trained.

    Args:
        dim: D, length of an embedding.
        n_directions: number of directions to reduce.

    Attributes:
        mean: float ``(D,)``.
        directions: float ``(D, n_directions)``, orthonormal columns.
        gains: float ``(n_directions,)``, factor of each direction; 1 leaves it unchanged.
    """

    mean: Tensor
    directions: Tensor
    gains: Tensor

    def __init__(self, dim: int, n_directions: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("directions", torch.zeros(dim, n_directions))
        self.register_buffer("gains", torch.ones(n_directions))

    def forward(self, features: Tensor) -> Tensor:
        """Whiten features, float ``(B, D)``; the result has unit length."""
        centred = features - self.mean
        removed = (centred @ self.directions) * (1 - self.gains)
        return F.normalize(centred - removed @ self.directions.T, dim=1)

    def fit(
        self, sets: Sequence[tuple[Float32Array, IntArray]], weights: Sequence[float], shrink: float
    ) -> None:
        """Fit mean, directions and gains.

        Args:
            sets: features ``(n, D)`` and labels ``(n,)`` of each data set; the number of images does not
                matter.
            weights: of the data sets.
            shrink: weight of the identity in the covariance, 0 to 1.
        """
        total = sum(weights)
        covariance = sum(
            weight / total * within_class_covariance(*one) for weight, one in zip(weights, sets, strict=True)
        )
        values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64))
        n = len(self.gains)
        rest = values[:-n].mean()
        gains = np.sqrt((shrink + (1 - shrink) * rest) / (shrink + (1 - shrink) * values[-n:]))
        means = np.mean([features.mean(0) for features, _ in sets], axis=0)
        self.mean.copy_(torch.from_numpy(means))
        self.directions.copy_(torch.from_numpy(vectors[:, -n:].copy()))
        self.gains.copy_(torch.from_numpy(gains))


def within_class_covariance(features: Float32Array, labels: IntArray) -> Float64Array:
    """Return the covariance ``(D, D)`` of features about their class means, scaled to mean variance 1."""
    names, slots = np.unique(labels, return_inverse=True)
    means = np.stack([features[slots == i].mean(0) for i in range(len(names))])
    deviations = (features - means[slots]).astype(np.float64)
    covariance = deviations.T @ deviations
    return covariance * (len(covariance) / np.trace(covariance))  # type: ignore[no-any-return]
