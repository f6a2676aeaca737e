"""Heads: they turn two embeddings into one logit. Both are symmetric: ``head(a, b) == head(b, a)``."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig

# As many differences as fit into a processor's cache.
BLOCK_VALUES = 250_000


class DifferenceHead(nn.Module):
    """The logit ``w . |e1 - e2| + b`` of two embeddings, so ``head(a, b) == head(b, a)``.

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
        """Return the logits of pairs.

        Args:
            e1: float ``(..., D)``.
            e2: float, broadcastable against ``e1``.

        Returns:
            float ``(...)``.
        """
        return (e1 - e2).abs() @ self.weight + self.bias

    def terms(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Return the contribution of each dimension to the logit, ``(..., D)``, without the bias."""
        return (e1 - e2).abs() * self.weight

    @torch.no_grad()
    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Return the logits of every pair, block by block instead of as an ``(n1, n2, D)`` array.

        Twice as fast on a CPU as ``torch.cdist``, which takes one pair at a time. Not for training.

        Args:
            e1: float ``(..., n1, D)``.
            e2: float ``(..., n2, D)``.

        Returns:
            float ``(..., n1, n2)``.
        """
        n1, n2 = e1.shape[-2], e2.shape[-2]
        per_pair = max(1, e1[..., 0, :].numel() if n1 else 1)  # values of one pair in all batches
        columns = max(1, min(n2, BLOCK_VALUES // per_pair))
        rows = max(1, BLOCK_VALUES // (per_pair * columns))
        logits = e1.new_empty(*e1.shape[:-1], n2)
        for row in range(0, n1, rows):
            some = e1[..., row : row + rows, None, :]
            for column in range(0, n2, columns):
                others = e2[..., None, column : column + columns, :]
                logits[..., row : row + rows, column : column + columns] = (
                    some - others
                ).abs_() @ self.weight
        return logits + self.bias

    def ready(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Return what ``pairwise_ready`` needs of embeddings ``(..., n2, D)`` that are compared often."""
        return embeddings, embeddings

    @torch.no_grad()
    def pairwise_ready(self, e1: Tensor, e2: tuple[Tensor, Tensor]) -> Tensor:
        """Return the logits of every pair; the second embeddings as ``ready`` returns them."""
        return self.pairwise(e1, e2[0])


class CosineHead(nn.Module):
    """The logit ``w . (u1 - u2)^2 + b`` of two embeddings, with ``u = e / |e|``.

    With equal weights it is ``2 w (1 - cos) + b``. Direction separates pretrained features better than the
    absolute difference does, and the mean of several embeddings is as good an embedding as any.

    Args:
        dim: D, length of an embedding.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        # The squared distance of unrelated directions is 2, so their logit is 2.
        self.weight = nn.Parameter(torch.full((dim,), 2.0))
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Return the logits ``(...)`` of pairs, both float ``(..., D)`` or broadcastable."""
        return (F.normalize(e1, dim=-1) - F.normalize(e2, dim=-1)).square() @ self.weight + self.bias

    def terms(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Return the contribution of each dimension to the logit, ``(..., D)``, without the bias."""
        return (F.normalize(e1, dim=-1) - F.normalize(e2, dim=-1)).square() * self.weight

    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Return the logits of every pair, by a matrix product; shapes as ``DifferenceHead.pairwise``."""
        return self.pairwise_ready(e1, self.ready(e2))

    def ready(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Return what ``pairwise_ready`` needs of embeddings ``(..., n2, D)`` that are compared often."""
        units = F.normalize(embeddings, dim=-1)
        return units, units.square() @ self.weight

    def pairwise_ready(self, e1: Tensor, e2: tuple[Tensor, Tensor]) -> Tensor:
        """Return the logits of every pair; the second embeddings as ``ready`` returns them."""
        u1, (u2, own2) = F.normalize(e1, dim=-1), e2
        own1 = u1.square() @ self.weight
        return own1[..., :, None] + own2[..., None, :] - 2 * (u1 * self.weight) @ u2.mT + self.bias


TwinHead = DifferenceHead | CosineHead


def build_head(config: ModelConfig, dim: int) -> TwinHead:
    """Return the head that ``config`` names, for embeddings of length ``dim``."""
    return CosineHead(dim) if config.head == "cosine" else DifferenceHead(dim)
