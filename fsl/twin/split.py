"""Split a network where its trainable layers begin, so that what comes before is computed once per image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from fsl.twin.network import TwinNetwork


@dataclass(frozen=True, eq=False)
class SplitNetwork:
    """A network in two parts that share its weights.

    Attributes:
        twin: the network.
        frozen: the first layers of the backbone, which are not trained.
        rest: its other layers; the identity if the whole backbone is frozen.
    """

    twin: TwinNetwork
    frozen: nn.Module
    rest: nn.Module

    @property
    def is_backbone_frozen(self) -> bool:
        """Whether the whole backbone is frozen, so that features are those of the backbone."""
        return self.frozen is self.twin.backbone

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Return what the frozen layers make of normalised images ``(B, 3, S, S)``: float32 ``(B, ...)``."""
        self.frozen.eval()  # also while the rest is trained
        return self.frozen(images).float()  # type: ignore[no-any-return]

    def embed(self, features: Tensor) -> Tensor:
        """Return the embeddings ``(B, D)`` that the trainable layers make of features ``(B, ...)``."""
        return self.twin.finish(self.rest(features).float())


def split_at_trainable(twin: TwinNetwork) -> SplitNetwork | None:
    """Split a network before its first trainable layer.

    Returns:
        None if there is nothing to gain or no place to cut: the first layer is trained, the backbone is not a
        chain of layers, or it averages several copies of an image after the cut.
    """
    backbone = twin.backbone
    if not _is_trainable(backbone):
        return SplitNetwork(twin, backbone, nn.Identity()) if twin.config.views == 1 else None
    layers = _chain(backbone)
    first = next(i for i, layer in enumerate(layers) if _is_trainable(layer))
    if first == 0 or twin.config.views > 1:
        return None
    return SplitNetwork(twin, nn.Sequential(*layers[:first]), nn.Sequential(*layers[first:]))


def _is_trainable(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters())


def _chain(module: nn.Module) -> list[nn.Module]:
    """Return the layers of nested ``nn.Sequential`` in their order; other modules are one layer."""
    if isinstance(module, nn.Sequential):
        return list(chain.from_iterable(_chain(child) for child in module))
    return [module]
