"""A timm without the internet: "pretrained" weights made here, or none to be had."""

from __future__ import annotations

import pytest
import torch


def pretend_pretrained(monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """Let timm give random weights of ``test_resnet`` as pretrained ones; return that network."""
    timm = pytest.importorskip("timm", reason="an extra")
    create = timm.create_model
    torch.manual_seed(3)
    trained: torch.nn.Module = create("test_resnet", num_classes=0)
    monkeypatch.setattr(
        timm, "create_model", lambda name, pretrained, **o: trained if pretrained else create(name, **o)
    )
    return trained.eval()


def take_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let timm fail to download pretrained weights."""
    timm = pytest.importorskip("timm", reason="an extra")
    create = timm.create_model

    def offline(name: str, pretrained: bool, **options: object) -> torch.nn.Module:
        if pretrained:
            raise OSError("no route")
        return create(name, **options)  # type: ignore[no-any-return]

    monkeypatch.setattr(timm, "create_model", offline)
