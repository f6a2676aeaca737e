"""Pretrained networks of timm as checkpoints: ``fsl.load("timm:resnet50")``.

timm downloads the weights the first time and then caches them. Such a twin compares embeddings by their
cosine and is not calibrated: it ranks classes, and calls nothing unknown.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from fsl.base.errors import FslError, SettingsError
from fsl.config import TIMM, ModelConfig
from fsl.twin.backbones.timm import import_timm, options
from fsl.twin.checkpoint import Checkpoint, from_twin
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork

# Networks with a larger input (DINOv2: 518) get the usual 224: nearly as accurate, many times faster.
_LARGEST_INPUT = 384
_USUAL_INPUT = 224


def pretrained_checkpoint(name: str, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a timm network as a checkpoint.

    Args:
        name: "timm:NAME"; "timm:NAME.TAG" chooses among its weights.

    Raises:
        SettingsError: timm is not installed, has no such network, or no weights for it.
        FslError: the weights cannot be downloaded.
    """
    timm = import_timm()
    bare = name.removeprefix(TIMM)
    settings = _settings_of(timm, bare)
    config = ModelConfig(
        backbone=name,
        image_size=side if (side := settings.input_size[-1]) <= _LARGEST_INPUT else _USUAL_INPUT,
        mean=tuple(settings.mean),
        std=tuple(settings.std),
        head="cosine",
        centre_on_support=True,
        damp_on_support=True,
    )
    twin = TwinNetwork(config)
    try:
        source = timm.create_model(bare, pretrained=True, **options(timm, config))
    # From a missing network to a full disk: each library below raises its own exceptions.
    except Exception as error:
        raise FslError(
            f"The pretrained weights of {bare} could not be loaded ({type(error).__name__}). They are "
            "downloaded the first time: connect to the internet and try again, or use a checkpoint that "
            "ships."
        ) from error
    twin.backbone.load_state_dict(source.state_dict())
    licence = f"Weights of timm's {bare}; terms: {settings.license or 'see its model card'}."
    info = CheckpointInfo(name, config, title=f"timm's {bare}, as it is", rule="prototype", licence=licence)
    return from_twin(twin.to(device), info)


def download_megabytes(name: str) -> float | None:
    """Return the size of a timm network's download, computed from its architecture.

    Args:
        name: as ``pretrained_checkpoint`` takes it, with or without "timm:".

    Returns:
        four bytes per weight, in millions of bytes; None for the few networks that cannot be built without
        weights.

    Raises:
        SettingsError: timm is not installed, has no such network, or no weights for it.
    """
    timm = import_timm()
    bare = name.removeprefix(TIMM)
    _settings_of(timm, bare)
    try:
        with torch.device("meta"):
            network = timm.create_model(bare, pretrained=False)
    except (NotImplementedError, RuntimeError):
        return None
    return float(4 * sum(tensor.numel() for tensor in network.state_dict().values()) / 1e6)


def _settings_of(timm: ModuleType, bare: str) -> Any:
    """Return timm's settings of a network's pretrained weights; ``bare`` is its name without "timm:"."""
    settings = timm.get_pretrained_cfg(bare) if timm.is_model(bare) else None
    if settings is None or not settings.has_weights:
        raise SettingsError(f"timm has no pretrained weights for {bare!r}.")
    return settings
