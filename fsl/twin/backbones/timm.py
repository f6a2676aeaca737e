"""Networks of the timm collection as backbones: "timm:resnet50". timm is an optional dependency."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import TIMM, ModelConfig


def timm_backbone(config: ModelConfig) -> nn.Module:
    """Build a timm network without its classifier, randomly initialised.

    Raises:
        SettingsError: timm is not installed or has no such network.
    """
    timm = import_timm()
    name = config.backbone.removeprefix(TIMM)
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5])
        raise SettingsError(f"timm has no network {name!r}." + (f" Near it: {near}." if near else ""))
    model: nn.Module = timm.create_model(name, pretrained=False, **options(timm, config))
    return model


def options(timm: ModuleType, config: ModelConfig) -> dict[str, Any]:
    """Return the arguments for timm: no classifier, and the image size for networks that need it."""
    settings = timm.get_pretrained_cfg(config.backbone.removeprefix(TIMM))
    fixed = settings is not None and settings.fixed_input_size
    return {"num_classes": config.embedding_dim} | ({"img_size": config.image_size} if fixed else {})


def import_timm() -> ModuleType:
    """Import timm.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import timm
    except ImportError:
        raise SettingsError("Backbones of timm need that package: pip install timm.") from None
    return timm
