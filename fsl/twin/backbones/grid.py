"""Features of a pretrained network on a coarse grid, for aligned pictures such as faces.

Features averaged over the whole picture say what is in it, but not where. People's faces differ in where
things are.
"""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from fsl.config import ModelConfig
from fsl.twin.backbones.efficientnet import EfficientNetLite

# Lite0 has reduced the image to an eighth after 5 blocks, and to a sixteenth after 11.
_N_EARLY_BLOCKS, _N_BLOCKS = 5, 11
_EARLY_CHANNELS, _LATE_CHANNELS = 40, 112
_EARLY_GRID, _LATE_GRID = 7, 4
DEFAULT_DIM = 256


class GridFeatures(nn.Module):
    """EfficientNet-Lite0 features of two depths, averaged within grid cells and mapped linearly.

    Args:
        config: uses ``folded`` and ``embedding_dim``; D = 256 by default.
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
        """Return the input of the linear map, float32 ``(B, 3752)``, for images ``(B, 3, S, S)``."""
        early = self.early(images)
        late = self.late(early)
        cells = _average_cells(early, _EARLY_GRID), _average_cells(late, _LATE_GRID)
        return torch.cat([c.flatten(1) for c in cells], dim=1).float()

    def forward(self, images: Tensor) -> Tensor:
        """Embed images ``(B, 3, S, S)`` as float32 ``(B, D)``."""
        projected: Tensor = self.projection(self.features(images))
        return projected


def _average_cells(features: Tensor, grid: int) -> Tensor:
    """Average ``(B, C, H, W)`` within cells: ``(B, C, grid, grid)``. Cells may overlap by a row."""
    if torch.onnx.is_in_onnx_export():  # ONNX only pools into cells of equal size
        rows, columns = (_cell_shares(int(side), grid) for side in features.shape[2:])
        return rows @ features @ columns.T
    return F.adaptive_avg_pool2d(features, grid)


def _cell_shares(side: int, grid: int) -> Tensor:
    """Return float32 ``(grid, side)``: the weight of each pixel of a line in the average of each cell."""
    spans = [range(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]
    return torch.tensor([[float(j in span) / len(span) for j in range(side)] for span in spans])
