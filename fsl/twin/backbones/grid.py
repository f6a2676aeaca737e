"""A pretrained network's features laid out on a coarse grid, for pictures that are aligned, such as faces.

Averaged over the whole picture, features say what is in it, but not where; in a face it is the places that
differ from person to person.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.backbones.efficientnet import EfficientNetLite

# Where Lite0 has shrunk the image to an eighth, and where it is at a sixteenth.
_N_EARLY_BLOCKS, _N_BLOCKS = 5, 11
_EARLY_CHANNELS, _LATE_CHANNELS = 40, 112
_EARLY_GRID, _LATE_GRID = 7, 4
DEFAULT_DIM = 256


class GridFeatures(nn.Module):
    """EfficientNet-Lite0 up to a sixteenth of the image's size: features of two depths, each averaged within
    the cells of a grid, and a linear map of all of them: ``(B, 3, S, S)`` to ``(B, D)``.

    Args:
        config: ``folded`` and ``embedding_dim`` count; D = 256 by default.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        whole = EfficientNetLite(replace(config, backbone="efficientnet_lite0", embedding_dim=0))
        stem, blocks, *_ = whole.children()
        layers = list(blocks.children())
        self.early = nn.Sequential(stem, *layers[:_N_EARLY_BLOCKS])
        self.late = nn.Sequential(*layers[_N_EARLY_BLOCKS:_N_BLOCKS])
        n_features = _EARLY_CHANNELS * _EARLY_GRID**2 + _LATE_CHANNELS * _LATE_GRID**2
        self.projection = nn.Linear(n_features, config.embedding_dim or DEFAULT_DIM)

    def features(self, images: Tensor) -> Tensor:
        """What the linear map gets: ``(B, 3, S, S)`` to float32 ``(B, 3752)``."""
        early = self.early(images)
        late = self.late(early)
        cells = _average_cells(early, _EARLY_GRID), _average_cells(late, _LATE_GRID)
        return torch.cat([c.flatten(1) for c in cells], dim=1).float()

    def forward(self, images: Tensor) -> Tensor:
        """float ``(B, 3, S, S)`` to float32 ``(B, D)``."""
        projected: Tensor = self.projection(self.features(images))
        return projected


def _average_cells(features: Tensor, grid: int) -> Tensor:
    """float ``(B, C, H, W)`` to ``(B, C, grid, grid)``; cells overlap where the sides are no multiples."""
    if torch.onnx.is_in_onnx_export():  # ONNX pools into cells of one size only
        rows, columns = (_cell_shares(int(side), grid) for side in features.shape[2:])
        return rows @ features @ columns.T
    return F.adaptive_avg_pool2d(features, grid)


def _cell_shares(side: int, grid: int) -> Tensor:
    """float32 ``(grid, side)``: what each pixel of a line counts in the average of each cell."""
    spans = [range(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]
    return torch.tensor([[float(j in span) / len(span) for j in range(side)] for span in spans])
