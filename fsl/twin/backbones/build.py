"""Backbones: the CNNs that both twins share. Images ``(B, 3, S, S)`` to embeddings ``(B, D)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.base.errors import SettingsError
from fsl.config import LITE, TIMM, ModelConfig
from fsl.twin.backbones.efficientnet import EfficientNetLite
from fsl.twin.backbones.face_resnet import FaceResNet
from fsl.twin.backbones.timm import timm_backbone


def _conv_block(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)
    )


def _flattened(widths: Sequence[int], config: ModelConfig) -> list[nn.Module]:
    """Return the layers after the blocks: flattening, and a linear projection if requested."""
    n_flat = widths[-1] * (config.image_size // 2 ** len(widths)) ** 2
    projection = [nn.Linear(n_flat, config.embedding_dim)] if config.embedding_dim else []
    return [nn.Flatten(), *projection]


def conv4(config: ModelConfig) -> nn.Module:
    """Build Conv-4: four blocks of 3x3 convolution, batch norm, ReLU and 2x2 max pooling.

    The embedding is the last feature map, flattened (D = width * (S / 16)^2), or its linear projection to
    ``embedding_dim``. Source: Vinyals et al., "Matching Networks", 2016; 64 channels per block by default.
    """
    widths = config.widths or (64, 64, 64, 64)
    blocks = [_conv_block(n_in, n_out) for n_in, n_out in zip((3, *widths), widths, strict=False)]
    return nn.Sequential(*blocks, *_flattened(widths, config))


def plain4(config: ModelConfig) -> nn.Module:
    """Build Conv-4 without batch norm.

    Batch norm lets Conv-4 learn at nearly any learning rate. Without it, a rate that is too high does what
    the article warns of: the ReLUs die, and the loss stays at one value. The embedding is that of Conv-4.
    Source: Koch et al., "Siamese Neural Networks for One-shot Image Recognition", 2015, with smaller
    filters. The initial weights keep the size of activations (He et al., "Delving Deep into Rectifiers",
    2015).
    """
    widths = config.widths or (64, 64, 64, 64)
    blocks = []
    for n_in, n_out in zip((3, *widths), widths, strict=False):
        convolution = nn.Conv2d(n_in, n_out, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        blocks.append(nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2)))
    return nn.Sequential(*blocks, *_flattened(widths, config))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a 1x1 shortcut (He et al., "Deep Residual Learning", 2016)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, n_in, H, W)`` to ``(B, n_out, H / stride, W / stride)``."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return torch.relu(y + self.shortcut(x))


def residual(config: ModelConfig) -> nn.Module:
    """Build a small residual network: a strided stem, one residual block per stage, average pooling.

    D is the last width, or ``embedding_dim`` by a linear projection. The stem's stride of 2 makes it about as
    fast as Conv-4 on a CPU, at a much larger receptive field.
    """
    widths = config.widths or (32, 64, 128, 192)
    stem = nn.Sequential(
        nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
    )
    strides = (1, *(2 for _ in widths[1:]))
    stages = [
        ResidualBlock(n_in, n_out, stride)
        for n_in, n_out, stride in zip((widths[0], *widths), widths, strides, strict=False)
    ]
    layers: list[nn.Module] = [stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if config.embedding_dim:
        layers.append(nn.Linear(widths[-1], config.embedding_dim))
    return nn.Sequential(*layers)


def resnet18(config: ModelConfig) -> nn.Module:
    """Build torchvision's ResNet-18, randomly initialised, without classifier (D = 512 by default)."""
    from torchvision.models import resnet18 as build

    model: nn.Module = build(weights=None)
    model.fc = nn.Linear(512, config.embedding_dim) if config.embedding_dim else nn.Identity()
    return model


PIXELS_SIDE = 16


def pixels(config: ModelConfig) -> nn.Module:
    """Build a baseline without weights: the picture at 16x16 pixels as a vector (D = 768).

    Its distances are those of plain nearest neighbours, which any network has to beat.
    """
    layers: list[nn.Module] = [nn.AdaptiveAvgPool2d(PIXELS_SIDE), nn.Flatten()]
    if config.embedding_dim:
        layers.append(nn.Linear(3 * PIXELS_SIDE**2, config.embedding_dim))
    return nn.Sequential(*layers)


BACKBONES: dict[str, Callable[[ModelConfig], nn.Module]] = {
    "conv4": conv4,
    "plain4": plain4,
    "pixels": pixels,
    "residual": residual,
    "resnet18": resnet18,
    "efficientnet_lite0": EfficientNetLite,
    "efficientnet_lite1": EfficientNetLite,
    "efficientnet_lite2": EfficientNetLite,
    "face_resnet": FaceResNet,
}
_WITH_WIDTHS = ("conv4", "plain4", "residual")


class SideBySide(nn.Module):
    """Several backbones on the same image; D is the sum of their lengths.

    The features of each are replaced by their square roots, which evens out a few large ones, and scaled to
    unit length, so that every backbone counts equally. Features from half-way through the network, which hold
    more about colour and texture and less about what things are, can be added with a smaller weight.

    Args:
        members: backbones whose features are not negative.
        middle: length of the half-way features; 0 leaves them out.

    Raises:
        SettingsError: a member has no half-way features.
    """

    def __init__(self, members: list[nn.Module], middle: float = 0.0) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.middle = middle
        if middle and not all(isinstance(member, EfficientNetLite) for member in members):
            raise SettingsError("Only EfficientNet-Lite has half-way features; use middle=0.")

    def forward(self, images: Tensor) -> Tensor:
        """Embed images ``(B, 3, S, S)`` as float32 ``(B, D)``."""
        if not self.middle:
            return self.joined([member(images) for member in self.members], [])
        both = [member.with_middle(images) for member in self.members if isinstance(member, EfficientNetLite)]
        return self.joined([last for last, _ in both], [middle for _, middle in both])

    def joined(self, last: Sequence[Tensor], middles: Sequence[Tensor]) -> Tensor:
        """Join the features ``(B, D_i)`` of each member, and the half-way ones if there are any, in turn."""
        parts = []
        for features, middle in zip_longest(last, middles):
            parts.append(unit_root(features))
            if middle is not None:
                parts.append(self.middle * F.normalize(middle.float(), dim=1))
        return torch.cat(parts, dim=1)


def unit_root(features: Tensor) -> Tensor:
    """Return the square roots of features ``(B, D)``, scaled to unit length; negative ones count as 0."""
    # The root has an infinite slope at 0, which would give NaN in training.
    return F.normalize((features.float().clamp(min=0) + 1e-8).sqrt(), dim=1)


def build_backbone(config: ModelConfig) -> nn.Module:
    """Build the backbone that ``config`` names, with random weights.

    Raises:
        SettingsError: there is no backbone of that name, or its widths are fixed.
    """
    if "+" in config.backbone:
        members = [build_backbone(_of_member(config, name)) for name in config.backbone.split("+")]
        return SideBySide(members, config.middle)
    if config.widths and config.backbone not in _WITH_WIDTHS:
        raise SettingsError(f"The widths of {config.backbone} are fixed; leave widths empty.")
    if config.backbone.startswith(TIMM):
        return timm_backbone(config)
    try:
        builder = BACKBONES[config.backbone]
    except KeyError:
        raise SettingsError(
            f"There is no backbone {config.backbone!r}; choose one of {', '.join(BACKBONES)}, or "
            f"{TIMM}NAME for a network of timm."
        ) from None
    return builder(config)


def _of_member(config: ModelConfig, name: str) -> ModelConfig:
    """Return the settings of one of several backbones, without those that it does not have."""
    if LITE not in name:
        config = replace(config, folded=False, middle=0.0, centre_spread=0.0)
    return replace(config, backbone=name)
