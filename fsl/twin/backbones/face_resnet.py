"""dlib's face network: 29 convolutions that turn an aligned face into 128 numbers.

Source: Davis King's ``dlib_face_recognition_resnet_model_v1``, trained on about three million faces, without
the people of LFW, and given to the public domain (github.com/davisking/dlib-models). The architecture follows
He et al., "Deep Residual Learning for Image Recognition", 2015, with fewer layers and half the filters.

Deviation: each affine layer (a batch norm with frozen statistics) is part of the convolution before it, so
the network computes the same numbers in fewer operations. ``tools/build_faces`` converts the weights; a test
holds them against dlib's own output.
"""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig

# Each stage: its channels, and whether each of its blocks halves the picture.
STAGES: tuple[tuple[int, tuple[bool, ...]], ...] = (
    (32, (False, False, False)),
    (64, (True, False, False, False)),
    (128, (True, False, False)),
    (256, (True, False, False)),
    (256, (True,)),
)
EMBEDDING_DIM = 128


class FaceResNet(nn.Module):
    """Aligned faces, float ``(B, 3, 150, 150)``, to embeddings ``(B, 128)``.

    Args:
        config: names no widths and no embedding_dim, because the network has one size.

    Raises:
        SettingsError: the configuration asks for another size.
    """

    def __init__(self, config: ModelConfig) -> None:
        if config.embedding_dim or config.widths:
            raise SettingsError("The face network has fixed sizes. Leave widths and embedding_dim out.")
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, stride=2)
        blocks = []
        n_in = 32
        for width, halves in STAGES:
            for halve in halves:
                blocks.append(ResidualBlock(n_in, width, halve=halve))
                n_in = width
        self.blocks = nn.Sequential(*blocks)
        self.project = nn.Linear(n_in, EMBEDDING_DIM, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return float ``(B, 128)``."""
        features = F.max_pool2d(F.relu(self.stem(images)), 3, stride=2)
        return self.project(self.blocks(features).mean((2, 3)))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without weights.

    Args:
        n_in: channels that come in.
        n_out: channels that go out.
        halve: halve the picture's sides; the shortcut averages 2x2 squares.
    """

    def __init__(self, n_in: int, n_out: int, *, halve: bool) -> None:
        super().__init__()
        self.halve = halve
        # dlib pads a convolution only where its stride is 1.
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride=2 if halve else 1, padding=0 if halve else 1)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return float ``(B, n_out, H', W')``."""
        changed = self.conv2(F.relu(self.conv1(features)))
        shortcut = F.avg_pool2d(features, 2) if self.halve else features
        return F.relu(_add(changed, shortcut))


def _add(a: Tensor, b: Tensor) -> Tensor:
    """Add two feature maps; the smaller one counts as zero where it does not reach, as in dlib."""
    if a.shape == b.shape:
        return a + b
    sizes = [max(x, y) for x, y in zip(a.shape[1:], b.shape[1:], strict=True)]
    return _extend(a, sizes) + _extend(b, sizes)


def _extend(features: Tensor, sizes: list[int]) -> Tensor:
    channels, height, width = (size - own for size, own in zip(sizes, features.shape[1:], strict=True))
    return F.pad(features, (0, width, 0, height, 0, channels))
