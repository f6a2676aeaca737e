"""EfficientNet-Lite: the ImageNet-pretrained backbone of the ``photos`` checkpoint.

EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6 instead of swish; made for
phones, and fast on a laptop. It is written out here so that a checkpoint needs no collection of models;
``bench/build_photos.py`` compares its outputs with timm's for the same weights.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fsl.config import ModelConfig

# (expansion, channels, blocks, stride, kernel) of each stage of EfficientNet-B0; the others scale these.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
# Factors of (channels, blocks) by name.
_SCALES = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
# After this stage, at a sixteenth of the image's size, features still hold colour and texture.
_MIDDLE_STAGE = 3
_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding: an odd pixel of padding goes to the right and bottom.

    The weights were trained that way; symmetric padding would shift every feature map by half a pixel.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(B, n_in, H, W)`` to ``(B, n_out, ceil(H / stride), ceil(W / stride))``."""
        vertical = _same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        horizontal = _same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        return super().forward(F.pad(x, (*horizontal, *vertical)))


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _convolution(
    n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Conv2d:
    if stride == 1:  # the padding is symmetric, and not copying the input is faster
        return nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, groups=groups, bias=bias)
    return SameConv2d(n_in, n_out, kernel, stride, groups=groups, bias=bias)


def _normed(convolution: nn.Conv2d) -> list[nn.Module]:
    """Return the convolution and its batch norm; one with a bias has its batch norm folded in."""
    if convolution.bias is not None:
        return [convolution]
    return [convolution, nn.BatchNorm2d(convolution.out_channels, eps=1e-3, momentum=0.01)]


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel, narrow by 1x1 (Sandler et al., "MobileNetV2", 2018).

    Args:
        n_in: channels in.
        n_out: channels out; if there are as many as came in, and the stride is 1, the input is added.
        expansion: factor of the channels in between; 1 leaves the widening out.
        stride: of the filters.
        kernel: side of the filters.
        folded: without batch norms; see ``fold_batch_norms``.
    """

    def __init__(
        self, n_in: int, n_out: int, expansion: int, stride: int, kernel: int, folded: bool = False
    ) -> None:
        super().__init__()
        n_mid = n_in * expansion
        widen: list[nn.Module] = []
        if expansion != 1:
            widen = [*_normed(_convolution(n_in, n_mid, 1, bias=folded)), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(
            *widen,
            *_normed(_convolution(n_mid, n_mid, kernel, stride, groups=n_mid, bias=folded)),
            nn.ReLU6(inplace=True),
            *_normed(_convolution(n_mid, n_out, 1, bias=folded)),
        )
        self.adds_input = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, n_in, H, W)`` to ``(B, n_out, H / stride, W / stride)``."""
        y: Tensor = self.layers(x)
        return x + y if self.adds_input else y


class CentredPool(nn.AdaptiveAvgPool2d):
    """Average features over the image, the middle weighted more.

    What a photo is of is mostly in its middle, and what is around that may be in any photo.

    Args:
        spread: standard deviation of the weights along a side, as a share of the side; 0 weights all alike.
    """

    def __init__(self, spread: float) -> None:
        super().__init__(1)
        self.spread = spread

    def forward(self, features: Tensor) -> Tensor:
        """Return the weighted means ``(B, C, 1, 1)`` of features ``(B, C, H, W)``."""
        if self.spread:
            down, across = (_centre_weights(side, self.spread) for side in features.shape[2:])
            weights = down[:, None] * across
            # A network run for its sizes alone, or to be written as ONNX, has features without values.
            features = features * (weights if features.is_meta else weights.to(features.device))
        return super().forward(features)


def _centre_weights(side: int, spread: float) -> Tensor:
    """Return weights ``(side,)`` of places along a side, with a mean of 1."""
    # With values also where sizes alone are asked for: torch would import its compiler for a second without.
    place = (torch.arange(side, device="cpu") - (side - 1) / 2) / side
    weights = torch.exp(-0.5 * (place / spread) ** 2)
    return weights / weights.mean()


class EfficientNetLite(nn.Sequential):
    """Stem, blocks, 1x1 convolution, pooling: ``(B, 3, S, S)`` to ``(B, D)``, D = 1280 by default.

    Args:
        config: uses ``backbone``, ``folded``, ``centre_spread`` and ``embedding_dim``.
    """

    def __init__(self, config: ModelConfig) -> None:
        width_factor, depth_factor = _SCALES[config.backbone]
        blocks: list[nn.Module] = []
        n_in = _STEM_CHANNELS
        n_until_middle = 0
        for number, (expansion, channels, n_blocks, stride, kernel) in enumerate(_STAGES):
            n_out = _round_channels(channels * width_factor)
            if 0 < number < len(_STAGES) - 1:  # the "Lite" networks do not deepen the first and last stage
                n_blocks = math.ceil(n_blocks * depth_factor)
            for block in range(n_blocks):
                step = stride if block == 0 else 1
                blocks.append(InvertedResidual(n_in, n_out, expansion, step, kernel, config.folded))
                n_in = n_out
            if number == _MIDDLE_STAGE:
                n_until_middle = len(blocks)
        layers: list[nn.Module] = [
            nn.Sequential(
                *_normed(_convolution(3, _STEM_CHANNELS, 3, stride=2, bias=config.folded)),
                nn.ReLU6(inplace=True),
            ),
            nn.Sequential(*blocks),
            nn.Sequential(
                *_normed(_convolution(n_in, _HEAD_CHANNELS, 1, bias=config.folded)), nn.ReLU6(inplace=True)
            ),
            CentredPool(config.centre_spread),
            nn.Flatten(),
        ]
        if config.embedding_dim:
            layers.append(nn.Linear(_HEAD_CHANNELS, config.embedding_dim))
        super().__init__(*layers)
        self.n_until_middle = n_until_middle

    def with_middle(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embedding, and the half-way features averaged over the image (of either sign).

        Args:
            images: float ``(B, 3, S, S)``.

        Returns:
            float ``(B, D)`` and ``(B, 80)`` (88 for Lite2).
        """
        stem, blocks, head, pool, *rest = self
        x = stem(images)
        for number, block in enumerate(blocks.children(), start=1):
            x = block(x)
            if number == self.n_until_middle:
                middle = pool(x).flatten(1)
        for layer in (head, pool, *rest):
            x = layer(x)
        return x, middle


def _round_channels(channels: float, divisor: int = 8) -> int:
    """Return the nearest multiple of ``divisor`` that is not more than a tenth below ``channels``."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def fold_batch_norms(backbone: nn.Module) -> None:
    """Fold every batch norm into the convolution before it, in place: the same outputs, much faster.

    The result has the layers of a network built with ``ModelConfig.folded``.

    Args:
        backbone: in ``eval`` mode, because its statistics become weights.
    """
    for name, child in list(backbone.named_children()):
        fold_batch_norms(child)
        if isinstance(child, nn.Sequential):
            setattr(backbone, name, _folded(child))


def _folded(layers: nn.Sequential) -> nn.Sequential:
    out: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d) and out and isinstance(out[-1], nn.Conv2d):
            out[-1] = fuse_conv_bn_eval(out[-1], layer)
        else:
            out.append(layer)
    return nn.Sequential(*out)
