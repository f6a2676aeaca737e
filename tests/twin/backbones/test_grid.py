"""Features on a grid."""

from __future__ import annotations

import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone
from fsl.twin.backbones.grid import GridFeatures

MODEL = ModelConfig(backbone="efficientnet_grid", image_size=112, folded=True)


def test_each_number_is_the_mean_over_one_cell() -> None:
    backbone = build_backbone(MODEL).eval()
    assert isinstance(backbone, GridFeatures)
    images = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = backbone.features(images)
        early = backbone.early(images)
        late = backbone.late(early)
    assert early.shape == (2, 40, 14, 14)
    assert late.shape == (2, 112, 7, 7)
    assert features.shape == (2, 40 * 49 + 112 * 16)
    # Cells of 2 x 2 in the early map: channel 3, row 5, column 6.
    torch.testing.assert_close(features[1, 3 * 49 + 5 * 7 + 6], early[1, 3, 10:12, 12:14].mean())
    # The late map's 7 x 7 into 4 x 4 overlapping cells: the last one is its last two rows and columns.
    torch.testing.assert_close(features[0, 40 * 49 + 9 * 16 + 15], late[0, 9, 5:, 5:].mean())


def test_moving_what_is_in_the_picture_moves_the_features() -> None:
    """Unlike averages over the whole picture, features on a grid say where a thing is."""
    backbone = build_backbone(MODEL).eval()
    left, right = torch.zeros(1, 3, 112, 112), torch.zeros(1, 3, 112, 112)
    left[:, :, 30:60, 8:38] = 2
    right[:, :, 30:60, 72:102] = 2
    with torch.inference_mode():
        apart = (backbone.features(left) - backbone.features(right)).norm()
        size = (backbone.features(left) - backbone.features(torch.zeros(1, 3, 112, 112))).norm()
    assert apart > 0.5 * size


def test_the_length_of_an_embedding_and_what_is_refused() -> None:
    with torch.inference_mode():
        embedding = build_backbone(ModelConfig(backbone="efficientnet_grid", embedding_dim=8)).eval()(
            torch.zeros(1, 3, 64, 64)
        )
    assert embedding.shape == (1, 8)
    with pytest.raises(SettingsError, match="widths"):
        build_backbone(ModelConfig(backbone="efficientnet_grid", widths=(3,)))
