"""Heads: what turns two embeddings into one logit. Both are symmetric: ``head(a, b) == head(b, a)``."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig

# Differences that a processor's cache holds.
BLOCK_VALUES = 250_000


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

    @torch.no_grad()
    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits of every pair, block by block, without the whole ``(n1, n2, D)`` array of differences.

        Twice as quick as ``torch.cdist`` on the cores, which takes one pair at a time; not for training.

        Args:
            e1: float ``(..., n1, D)``.
            e2: float ``(..., n2, D)``.

        Returns:
            float ``(..., n1, n2)``.
        """
        n1, n2 = e1.shape[-2], e2.shape[-2]
        per_pair = max(1, e1[..., 0, :].numel() if n1 else 1)  # values of one pair, in all tasks at once
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
