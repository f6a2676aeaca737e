"""Sizes without computing, against those of a network that computes."""

import pytest
import torch

from fsl.config import ModelConfig
from fsl.twin.network import TwinNetwork


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(widths=(4, 8), image_size=21),
        ModelConfig(backbone="residual", widths=(8, 16), image_size=33),
        ModelConfig(backbone="resnet18", image_size=40),
        ModelConfig(backbone="pixels", image_size=32, embedding_dim=7),
        ModelConfig("efficientnet_lite0+efficientnet_lite1", image_size=47, middle=0.3, centre_spread=0.3),
        ModelConfig(backbone="face_resnet", image_size=150),
    ],
    ids=lambda config: config.backbone,
)
def test_a_network_without_memory_has_the_sizes_of_one_that_computes(config: ModelConfig) -> None:
    with torch.device("meta"):
        sketch = TwinNetwork(config)
    assert sketch.embedding_dim == TwinNetwork(config).embedding_dim


def test_features_that_a_layer_does_not_fit_are_refused() -> None:
    with torch.device("meta"), pytest.raises(RuntimeError, match="does not fit"):
        TwinNetwork(ModelConfig(backbone="face_resnet", image_size=16))
