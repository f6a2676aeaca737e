"""Where a head's order of neighbours is that of a plain distance, which search libraries know.

A cosine head's logit is ``w . (u1 - u2)^2 + b``: with equal weights its order is that of the cosine, and with
weights that are not negative that of the Euclidean distance of ``sqrt(w) u``. A difference head's logit is
``w . |e1 - e2| + b``: with weights that are not negative its order is that of the L1 distance of ``w e``.
The search ignores negative weights; the head, which ranks what the search found, does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import Float32Array
from fsl.twin.heads import CosineHead, TwinHead

Distance = Literal["cosine", "euclidean", "manhattan"]
_N_AXES = 256


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """A distance of vectors, and what turns embeddings into these vectors.

    Attributes:
        distance: of two vectors.
        factors: float32 ``(D,)``, not negative.
        axes: float32 ``(A, D)``, orthonormal rows on which vectors are projected; None to keep all numbers.
    """

    distance: Distance
    factors: Tensor
    axes: Tensor | None = None

    @property
    def n_numbers(self) -> int:
        """Return the length of the vectors."""
        return len(self.factors if self.axes is None else self.axes)

    @torch.inference_mode()
    def vectors(self, embeddings: Tensor) -> Float32Array:
        """Return the vectors float32 ``(n, n_numbers)`` of embeddings ``(n, D)``.

        For the cosine they have length 1, so Euclidean distance and cosine give the same order.
        """
        vectors = embeddings if self.distance == "manhattan" else F.normalize(embeddings, dim=1)
        vectors = vectors * self.factors
        if self.axes is not None:
            vectors = vectors @ self.axes.T
            if self.distance == "cosine":
                vectors = F.normalize(vectors, dim=1)
        found: Float32Array = vectors.numpy()
        return found


@torch.inference_mode()
def search_space(head: TwinHead) -> SearchSpace | None:
    """Return the search space of a head, or None if it has no positive weight."""
    weight = head.weight.detach().float().cpu()
    positive = weight.clamp(min=0)
    if not bool(positive.any()):
        return None
    if not isinstance(head, CosineHead):
        return SearchSpace("manhattan", positive)
    if bool((weight == weight[0]).all()):
        return SearchSpace("cosine", torch.ones_like(weight))
    return SearchSpace("euclidean", positive.sqrt())


@torch.inference_mode()
def shortened(space: SearchSpace, sample: Iterable[Tensor]) -> SearchSpace:
    """Return the space with vectors of 256 numbers, the projections on the principal axes of a sample.

    The nearest of a million there include nearly all that are nearest in the whole space (docs/scale.md), and
    they are found in a fraction of the time and the memory. The L1 distance has no such axes.

    Args:
        sample: embeddings ``(n, D)`` in blocks; not read if the vectors are short enough.
    """
    dim = len(space.factors)
    if space.distance == "manhattan" or dim <= _N_AXES:
        return space
    moments = torch.zeros(dim, dim)
    for block in sample:
        vectors = torch.from_numpy(space.vectors(block))
        moments += vectors.T @ vectors
    # In the order of their eigenvalues, the smallest first.
    axes = torch.linalg.eigh(moments).eigenvectors.T[-_N_AXES:]
    return replace(space, axes=axes.contiguous())
