"""The twin network itself: one backbone for both images, and a head on the difference of the embeddings."""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.backbones import build_backbone


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

    def pairwise(self, e1: Tensor, e2: Tensor) -> Tensor:
        """Logits of every pair, without the ``(n1, n2, D)`` array of differences.

        ``w . |a - b|`` is an L1 distance of the embeddings scaled by the positive weights, less the one
        scaled by the negative weights, so memory stays at ``n1 * n2``.

        Args:
            e1: float ``(n1, D)``.
            e2: float ``(n2, D)``.

        Returns:
            float ``(n1, n2)``.
        """
        positive, negative = self.weight.clamp(min=0), (-self.weight).clamp(min=0)
        logits = torch.cdist(e1 * positive, e2 * positive, p=1) + self.bias
        if bool((negative > 0).any()):
            logits = logits - torch.cdist(e1 * negative, e2 * negative, p=1)
        return logits


class TwinNetwork(nn.Module):
    """Backbone and head.

    Args:
        config: architecture and input; fresh random weights are drawn from torch's current seed.

    Attributes:
        config: as given.
        embedding_dim: D.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config)
        self.embedding_dim = self._measure_dim()
        self.head = DifferenceHead(self.embedding_dim)
        self.to(memory_format=torch.channels_last)

    def _measure_dim(self) -> int:
        was_training = self.backbone.training
        self.backbone.eval()
        side = self.config.image_size
        with torch.no_grad():
            dim = self.backbone(torch.zeros(1, 3, side, side)).shape[1]
        self.backbone.train(was_training)
        return int(dim)

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings of normalised images.

        Args:
            images: float ``(B, 3, S, S)`` as made by ``fsl.twin.preprocess.normalise``.

        Returns:
            float32 ``(B, D)``.
        """
        if self.config.views > 1 and not self.training:
            views = symmetric_views(images, self.config.views)
            return torch.stack([self.backbone(view).float() for view in views]).mean(0)
        return self.backbone(images).float()  # type: ignore[no-any-return]

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Logits of image pairs; symmetric in its arguments.

        Args:
            left: float ``(B, 3, S, S)``.
            right: float ``(B, 3, S, S)``.

        Returns:
            float32 ``(B,)``; higher = more different.
        """
        return self.head(self.embed(left), self.embed(right))  # type: ignore[no-any-return]

    def copy(self) -> Self:
        """A deep copy that shares nothing; what a training run works on."""
        return copy.deepcopy(self)


def symmetric_views(images: Tensor, n_views: int) -> list[Tensor]:
    """The ways in which a square picture can lie.

    Args:
        images: float ``(B, C, S, S)``.
        n_views: 1, the images; 2, with their mirror images; 8, with all quarter turns of both.

    Returns:
        n_views tensors of the same shape, ``channels_last`` in memory.
    """
    mirrored = [images, images.flip(3)][: min(n_views, 2)]
    turned = [view.rot90(turns, (2, 3)) for view in mirrored for turns in range(4 if n_views == 8 else 1)]
    return [view.contiguous(memory_format=torch.channels_last) for view in turned]


def similarity(logits: Tensor) -> Tensor:
    """``1 - sigmoid(logit)``: in [0, 1], higher = more alike; same shape."""
    return torch.sigmoid(-logits)
