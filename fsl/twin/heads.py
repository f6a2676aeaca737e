"""Heads: what turns two embeddings into one logit. Both are symmetric: ``head(a, b) == head(b, a)``."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig


class DifferenceHead(nn.Module):
    """Two embeddings to one logit: ``w . |e1 - e2| + b``, so ``head(a, b) == head(b, a)``.

    ``sigmoid(logit)`` estimates the difference label: 0 = same class, 1 = different class.
    Source: Koch et al., "Siamese Neural Networks for One-shot Image Recognition", 2015, and the article's
    "absolute difference, a layer, a sigmoid".

    Args:
        dim: D, length of an embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # A positive start makes "further apart" mean "more different" from the first batch on; the
        # bias puts the logit of a typical pair of an untrained backbone near 0.
        self.weight = nn.Parameter(torch.full((dim,), 4.0 / dim))
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits of pairs.

        Args:
            e1: float ``(..., D)``.
            e2: float, broadcastable against ``e1``.

        Returns:
            float ``(...)``.
        """
        return (e1 - e2).abs() @ self.weight + self.bias

    def terms(self, e1: Tensor, e2: Tensor) -> Tensor:
        """What each number of the embeddings adds to the logit, ``(..., D)``; the bias comes on top."""
        return (e1 - e2).abs() * self.weight

    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits of every pair, without the ``(n1, n2, D)`` array of differences.

        ``w . |a - b|`` is an L1 distance of the embeddings scaled by the positive weights, less the one
        scaled by the negative weights, so memory stays at ``n1 * n2``.

        Args:
            e1: float ``(..., n1, D)``.
            e2: float ``(..., n2, D)``.

        Returns:
            float ``(..., n1, n2)``.
        """
        positive, negative = self.weight.clamp(min=0), (-self.weight).clamp(min=0)
        logits = torch.cdist(e1 * positive, e2 * positive, p=1) + self.bias
        if bool((negative > 0).any()):
            logits = logits - torch.cdist(e1 * negative, e2 * negative, p=1)
        return logits


class CosineHead(nn.Module):
    """Two embeddings to one logit: ``w . (u1 - u2)^2 + b`` with ``u = e / |e|``, e's direction.

    Equal weights make it ``2 w (1 - cos) + b``: pretrained features are told apart better by their direction
    than by the absolute difference, and the mean of several embeddings is as good an embedding as any.

    Args:
        dim: D, length of an embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # Directions that have nothing to do with one another are 2 apart, which makes the logit 2.
        self.weight = nn.Parameter(torch.full((dim,), 2.0))
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits ``(...)`` of pairs, both float ``(..., D)`` or broadcastable."""
        return (F.normalize(e1, dim=-1) - F.normalize(e2, dim=-1)).square() @ self.weight + self.bias

    def terms(self, e1: Tensor, e2: Tensor) -> Tensor:
        """What each number of the embeddings adds to the logit, ``(..., D)``; the bias comes on top."""
        return (F.normalize(e1, dim=-1) - F.normalize(e2, dim=-1)).square() * self.weight

    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits of every pair, by a matrix product; shapes as ``DifferenceHead.pairwise``."""
        u1, u2 = F.normalize(e1, dim=-1), F.normalize(e2, dim=-1)
        own1, own2 = u1.square() @ self.weight, u2.square() @ self.weight
        return own1[..., :, None] + own2[..., None, :] - 2 * (u1 * self.weight) @ u2.mT + self.bias


TwinHead = DifferenceHead | CosineHead


def build_head(config: ModelConfig, dim: int) -> TwinHead:
    """The head that ``config`` names, for embeddings of length ``dim``."""
    return CosineHead(dim) if config.head == "cosine" else DifferenceHead(dim)
