import sys

import pytest
import torch

import fsl
from fsl.base.errors import FslError, SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone
from tests.helpers.timm import pretend_pretrained, take_offline

RESNET = ModelConfig(backbone="timm:test_resnet", image_size=64, head="cosine")


def test_without_timm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SettingsError, match="pip install timm"):
        build_backbone(RESNET)
    with pytest.raises(SettingsError, match="pip install timm"):
        fsl.load("timm:resnet50")


def test_networks_of_timm_embed() -> None:
    pytest.importorskip("timm", reason="an extra")
    assert build_backbone(RESNET).eval()(torch.zeros(2, 3, 64, 64)).ndim == 2
    transformer = ModelConfig(backbone="timm:test_vit", image_size=96, embedding_dim=24)
    assert build_backbone(transformer).eval()(torch.zeros(2, 3, 96, 96)).shape == (2, 24)


def test_unknown_networks_name_near_ones() -> None:
    pytest.importorskip("timm", reason="an extra")
    with pytest.raises(SettingsError, match=r"no network 'resnet5'.*resnet50"):
        build_backbone(ModelConfig(backbone="timm:resnet5"))
    with pytest.raises(SettingsError, match="no pretrained weights"):
        fsl.load("timm:no_such_network")


def test_pretrained_weights_become_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = pretend_pretrained(monkeypatch)
    checkpoint = fsl.load("timm:test_resnet", "cpu")
    assert checkpoint.info.model.image_size == 160
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        assert torch.allclose(checkpoint.twin.embed(images), trained(images), atol=1e-5)


def test_offline_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    take_offline(monkeypatch)
    with pytest.raises(FslError, match="connect to the internet"):
        fsl.load("timm:test_resnet", "cpu")
