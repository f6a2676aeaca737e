"""EfficientNet-Lite: the ImageNet-pretrained backbone of the ``photos`` checkpoint.

EfficientNet (Tan and Le, 2019) without squeeze-and-excitation and with ReLU6 for swish: made for phones, and
as quick on a laptop. Written out here so that using a checkpoint needs no collection of models; the outputs
are held against those of timm's networks with the same weights (``bench/build_photos.py``).
"""

from __future__ import annotations

import math

import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.errors import SettingsError

# (expansion, channels, blocks, stride, kernel) of each stage of EfficientNet-B0, which the others scale.
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
_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding: an odd pixel of padding goes to the right and bottom.

    The weights were trained that way; symmetric padding would shift every feature map by half a pixel.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n_in, H, W)`` to ``(B, n_out, ceil(H / stride), ceil(W / stride))``."""
        vertical = _same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        horizontal = _same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        return super().forward(F.pad(x, (*horizontal, *vertical)))


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _convolution(n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride == 1:  # symmetric anyway, and quicker without a copy of the input
        return nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, groups=groups, bias=False)
    return SameConv2d(n_in, n_out, kernel, stride, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel, narrow by 1x1 (Sandler et al., "MobileNetV2", 2018).

    Args:
        n_in: channels in.
        n_out: channels out; with as many as came in, and stride 1, the input is added.
        expansion: how much wider the middle is; 1 leaves the widening out.
        stride: of the middle.
        kernel: side of the middle's filters.
    """

    def __init__(self, n_in: int, n_out: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        n_mid = n_in * expansion
        widen: list[nn.Module] = []
        if expansion != 1:
            widen = [_convolution(n_in, n_mid, 1), _norm(n_mid), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(
            *widen,
            _convolution(n_mid, n_mid, kernel, stride, groups=n_mid),
            _norm(n_mid),
            nn.ReLU6(inplace=True),
            _convolution(n_mid, n_out, 1),
            _norm(n_out),
        )
        self.adds_input = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n_in, H, W)`` to ``(B, n_out, H / stride, W / stride)``."""
        y: Tensor = self.layers(x)
        return x + y if self.adds_input else y


def efficientnet_lite(config: ModelConfig) -> nn.Module:
    """The EfficientNet-Lite that ``config.backbone`` names, with random weights; D = 1280 by default.

    Raises:
        SettingsError: widths are given; they are fixed.
    """
    if config.widths:
        raise SettingsError(f"The widths of {config.backbone} are fixed; leave widths empty.")
    width_factor, depth_factor = _SCALES[config.backbone]
    blocks: list[nn.Module] = []
    n_in = _STEM_CHANNELS
    for number, (expansion, channels, n_blocks, stride, kernel) in enumerate(_STAGES):
        n_out = _round_channels(channels * width_factor)
        if 0 < number < len(_STAGES) - 1:  # the "Lite" networks do not deepen the first and last stage
            n_blocks = math.ceil(n_blocks * depth_factor)
        for block in range(n_blocks):
            blocks.append(InvertedResidual(n_in, n_out, expansion, stride if block == 0 else 1, kernel))
            n_in = n_out
    layers: list[nn.Module] = [
        nn.Sequential(
            _convolution(3, _STEM_CHANNELS, 3, stride=2), _norm(_STEM_CHANNELS), nn.ReLU6(inplace=True)
        ),
        nn.Sequential(*blocks),
        nn.Sequential(_convolution(n_in, _HEAD_CHANNELS, 1), _norm(_HEAD_CHANNELS), nn.ReLU6(inplace=True)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ]
    if config.embedding_dim:
        layers.append(nn.Linear(_HEAD_CHANNELS, config.embedding_dim))
    return nn.Sequential(*layers)


def _round_channels(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of ``divisor``, but not more than a tenth below ``channels``."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
