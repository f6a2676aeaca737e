"""The twin network itself: one backbone for both images, and a head on the difference of the embeddings."""

from __future__ import annotations

import copy
from typing import Self

import torch
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone
from fsl.twin.heads import build_head
from fsl.twin.whitening import Whitening

FEW_IMAGES = 2


class TwinNetwork(nn.Module):
    """Backbone, damping where the settings ask for it, and head.

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
        # Checkpoint files call its tensors "damping.*".
        self.damping = Whitening(self.embedding_dim, config.damped) if config.damped else nn.Identity()
        self.head = build_head(config, self.embedding_dim)
        self.to(memory_format=torch.channels_last)

    def _measure_dim(self) -> int:
        was_training = self.backbone.training
        self.backbone.eval()
        side = self.config.image_size
        with torch.no_grad():
            dim = self.backbone(torch.zeros(1, 3, side, side)).shape[1]
        self.backbone.train(was_training)
        return int(dim)

    @property
    def whitening(self) -> nn.Module:
        """The within-class whitening, or the identity where the settings ask for none."""
        return self.damping

    def embed(self, images: Tensor) -> Tensor:
        """Embeddings of normalised images.

        Args:
            images: float ``(B, 3, S, S)`` as made by ``fsl.twin.preprocess.normalise``.

        Returns:
            float32 ``(B, D)``.
        """
        if self.config.views > 1 and not self.training:
            views = flips_and_rotations(images, self.config.views)
            # A single query's views in one pass take 0.6 of the time; many images gain nothing by it.
            passes = [torch.cat(views)] if len(images) <= FEW_IMAGES else views
            features = torch.cat([self.backbone(one).float() for one in passes])
            features = features.view(len(views), -1, self.embedding_dim).mean(0)
        else:
            features = self.backbone(images).float()
        return self.whitening(features)  # type: ignore[no-any-return]

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


def seeded_network(config: ModelConfig, seed: int) -> TwinNetwork:
    """A network with the random weights of that seed; the caller's random numbers go on as if it were not.

    Weights are drawn on the CPU. So its generator alone is seeded and put back: ``torch.manual_seed`` would
    seed those of every GPU as well, and to put them back, CUDA would have to be started.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return TwinNetwork(config)


def flips_and_rotations(images: Tensor, n_copies: int) -> list[Tensor]:
    """The ways in which a square picture can lie.

    Args:
        images: float ``(B, C, S, S)``.
        n_copies: 1, the images; 2, with their mirror images; 8, with all quarter turns of both.

    Returns:
        n_copies tensors of the same shape, ``channels_last`` in memory.
    """
    mirrored = [images, images.flip(3)][: min(n_copies, 2)]
    turned = [turn for view in mirrored for turn in (_quarter_turns(view) if n_copies == 8 else [view])]
    return [view.contiguous(memory_format=torch.channels_last) for view in turned]


def _quarter_turns(images: Tensor) -> list[Tensor]:
    """Images turned by 0 to 3 quarters: what ``rot90`` does, in steps that ONNX has too."""
    return [images, images.flip(3).transpose(2, 3), images.flip(2, 3), images.flip(2).transpose(2, 3)]


def similarity(logits: Tensor) -> Tensor:
    """``1 - sigmoid(logit)``: in [0, 1], higher = more alike; same shape."""
    return torch.sigmoid(-logits)
