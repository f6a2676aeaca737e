import sys

import pytest
import torch

import fsl
from fsl.base.errors import FslError, SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone

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
    timm = pytest.importorskip("timm", reason="an extra")
    create = timm.create_model
    torch.manual_seed(3)
    trained = create("test_resnet", num_classes=0)
    monkeypatch.setattr(
        timm, "create_model", lambda name, pretrained, **o: trained if pretrained else create(name, **o)
    )
    checkpoint = fsl.load("timm:test_resnet", "cpu")
    assert checkpoint.info.model.image_size == 160
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        assert torch.allclose(checkpoint.twin.embed(images), trained.eval()(images), atol=1e-5)


def test_offline_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = pytest.importorskip("timm", reason="an extra")
    create = timm.create_model

    def offline(name: str, pretrained: bool, **options: object) -> torch.nn.Module:
        if pretrained:
            raise OSError("no route")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(FslError, match="connect to the internet"):
        fsl.load("timm:test_resnet", "cpu")
