"""The twin network itself: one backbone for both images, and a head on the difference of the embeddings."""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.adapter import Adapter
from fsl.twin.backbones.build import build_backbone
from fsl.twin.heads import build_head
from fsl.twin.layer_sizes import SizesOnly
from fsl.twin.seeded_draws import SeededDraws
from fsl.twin.whitening import Whitening

FEW_IMAGES = 2


class TwinNetwork(nn.Module):
    """A shared backbone, within-class whitening and an adapter if the settings ask for them, and a head.

    Args:
        config: architecture and input; random weights are drawn with torch's current seed.

    Attributes:
        config: as given.
        embedding_dim: D.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config)
        self.embedding_dim = self._measure_dim()
        # Checkpoint files call its tensors "damping.*".
        self.damping = Whitening(self.embedding_dim, config.damped) if config.damped else nn.Identity()
        self.adapter = Adapter(self.embedding_dim, config.adapter) if config.adapter else nn.Identity()
        self.head = build_head(config, self.embedding_dim)
        self.to(memory_format=torch.channels_last)

    def _measure_dim(self) -> int:
        was_training = self.backbone.training
        self.backbone.eval()
        side = self.config.image_size
        with torch.no_grad(), SizesOnly():
            dim = self.backbone(torch.zeros(1, 3, side, side)).shape[1]
        self.backbone.train(was_training)
        return int(dim)

    @property
    def whitening(self) -> nn.Module:
        """Return the within-class whitening, or the identity if the settings ask for none."""
        return self.damping

    def embed(self, images: Tensor) -> Tensor:
        """Return the embeddings of normalised images.

        Args:
            images: float ``(B, 3, S, S)``, from ``fsl.twin.preprocess.normalise``.

        Returns:
            float32 ``(B, D)``.
        """
        if self.config.views > 1 and not self.training:
            copies = flips_and_rotations(images, self.config.views)
            # One pass over all copies of a single query takes 0.6 of the time; many images gain nothing.
            passes = [torch.cat(copies)] if len(images) <= FEW_IMAGES else copies
            features = torch.cat([self.backbone(one).float() for one in passes])
            features = features.view(len(copies), -1, self.embedding_dim).mean(0)
        else:
            features = self.backbone(images).float()
        return self.finish(features)

    def finish(self, features: Tensor) -> Tensor:
        """Return the embeddings ``(B, D)`` of features of the backbone, float32 ``(B, D)``."""
        return self.adapter(self.whitening(features))  # type: ignore[no-any-return]

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logits of image pairs; symmetric in its arguments.

        Args:
            left: float ``(B, 3, S, S)``.
            right: float ``(B, 3, S, S)``.

        Returns:
            float32 ``(B,)``; higher = more different.
        """
        return self.head(self.embed(left), self.embed(right))  # type: ignore[no-any-return]

    def copy(self) -> Self:
        """Return a deep copy that shares nothing; a training run works on one."""
        return copy.deepcopy(self)


def seeded_network(config: ModelConfig, seed: int) -> TwinNetwork:
    """Return a network with seeded random weights, whatever other threads draw at the same time.

    The caller's random numbers are not disturbed.
    """
    with SeededDraws(seed):
        return TwinNetwork(config)


def flips_and_rotations(images: Tensor, n_copies: int) -> list[Tensor]:
    """Return flipped and turned copies of square images.

    Args:
        images: float ``(B, C, S, S)``.
        n_copies: 1 gives the images alone; 2 adds their mirror images; 8 adds all quarter turns of both.

    Returns:
        n_copies tensors of the same shape, ``channels_last`` in memory.
    """
    mirrored = [images, images.flip(3)][: min(n_copies, 2)]
    turned = [turn for one in mirrored for turn in (_quarter_turns(one) if n_copies == 8 else [one])]
    return [one.contiguous(memory_format=torch.channels_last) for one in turned]


def _quarter_turns(images: Tensor) -> list[Tensor]:
    """Return images turned by 0 to 3 quarters, like ``rot90`` but in steps that ONNX supports."""
    return [images, images.flip(3).transpose(2, 3), images.flip(2, 3), images.flip(2).transpose(2, 3)]


def similarity(logits: Tensor) -> Tensor:
    """Return ``1 - sigmoid(logit)``: in [0, 1], higher = more similar; same shape."""
    return torch.sigmoid(-logits)
