"""Where a head's order of neighbours is that of a plain distance, which search libraries know.

A cosine head's logit is ``w . (u1 - u2)^2 + b``: with equal weights its order is that of the cosine, and with
weights that are not negative that of the Euclidean distance of ``sqrt(w) u``. A difference head's logit is
``w . |e1 - e2| + b``: with weights that are not negative its order is that of the L1 distance of ``w e``.
The search ignores negative weights; the head, which ranks what the search found, does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import Float32Array
from fsl.twin.heads import CosineHead, TwinHead

Distance = Literal["cosine", "euclidean", "manhattan"]


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """A distance of vectors, and the factors that turn embeddings into these vectors.

    Attributes:
        distance: of two vectors.
        factors: float32 ``(D,)``, not negative.
    """

    distance: Distance
    factors: Tensor

    @torch.inference_mode()
    def vectors(self, embeddings: Tensor) -> Float32Array:
        """Return the vectors float32 ``(n, D)`` of embeddings ``(n, D)``."""
        directions = embeddings if self.distance == "manhattan" else F.normalize(embeddings, dim=1)
        vectors: Float32Array = (directions * self.factors).numpy()
        return vectors


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
