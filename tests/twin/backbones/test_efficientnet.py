from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import build_backbone
from fsl.twin.backbones.efficientnet import CentredPool, SameConv2d, _centre_weights, fold_batch_norms
from fsl.twin.network import TwinNetwork

LITE0 = ModelConfig(backbone="efficientnet_lite0", image_size=64)


@pytest.mark.parametrize(
    ("name", "n_parameters"),
    [("efficientnet_lite0", 3_371_008), ("efficientnet_lite1", 4_135_680), ("efficientnet_lite2", 4_811_072)],
)
def test_weights_are_as_many_as_published_without_the_classifier(name: str, n_parameters: int) -> None:
    backbone = build_backbone(replace(LITE0, backbone=name))
    assert sum(p.numel() for p in backbone.parameters()) == n_parameters


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
@pytest.mark.parametrize("size", [64, 75])
def test_outputs_equal_timm_s(name: str, size: int) -> None:
    timm = pytest.importorskip("timm", reason="the peer is timm's network")
    torch.manual_seed(0)
    own = build_backbone(replace(LITE0, backbone=name)).eval()
    for module in own.modules():  # fresh batch norms would hide an error in their order
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    peer = timm.create_model(f"tf_{name}", num_classes=0).eval()
    peer.load_state_dict(dict(zip(peer.state_dict(), own.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        assert torch.allclose(own(images), peer(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("side", "kernel"), [(8, 3), (9, 3), (8, 5), (9, 5)])
def test_an_odd_pixel_of_padding_goes_to_the_right_and_bottom(side: int, kernel: int) -> None:
    convolution = SameConv2d(1, 1, kernel, stride=2, bias=False)
    nn.init.ones_(convolution.weight)
    image = torch.zeros(1, 1, side, side)
    image[..., -1, -1] = 1
    out = convolution(image)
    assert out.shape[-1] == (side + 1) // 2
    before = ((out.shape[-1] - 1) * 2 + kernel - side) // 2
    sees_corner = [i for i in range(out.shape[-1]) if i * 2 - before + kernel > side - 1]
    assert torch.nonzero(out[0, 0, -1]).flatten().tolist() == sees_corner


def test_features_near_the_middle_count_by_a_gaussian() -> None:
    """The result is that of scipy's Gaussian filter at the middle of a large enough image."""
    side, spread = 9, 0.2
    impulse = np.zeros((side, side))
    impulse[side // 2, side // 2] = 1
    weights = gaussian_filter(impulse, spread * side, mode="constant", truncate=9)
    features = torch.rand(2, 3, side, side)
    expected = (features.double().numpy() * weights).sum((2, 3)) / weights.sum()
    assert np.allclose(CentredPool(spread)(features)[..., 0, 0], expected, rtol=1e-5)
    assert torch.equal(CentredPool(0.0)(features), features.mean((2, 3), keepdim=True))


def test_weights_of_places_have_values_where_sizes_alone_are_asked_for() -> None:
    """Otherwise torch would import its compiler when a checkpoint is loaded, for a second and more."""
    with torch.device("meta"):
        assert not _centre_weights(7, 0.3).is_meta


def test_widths_are_fixed() -> None:
    with pytest.raises(SettingsError, match="fixed"):
        build_backbone(replace(LITE0, widths=(8, 8)))


def test_backbones_side_by_side_have_equal_lengths() -> None:
    twin = TwinNetwork(ModelConfig(backbone="residual+conv4", widths=(8, 16), image_size=32)).eval()
    embedding = twin.embed(torch.randn(3, 3, 32, 32))
    assert embedding.shape == (3, 16 + 16 * 8 * 8)
    assert torch.allclose(embedding[:, :16].norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(embedding[:, 16:].norm(dim=1), torch.ones(3), atol=1e-5)


def test_side_by_side_can_be_trained() -> None:
    twin = TwinNetwork(ModelConfig(backbone="residual+conv4", widths=(8, 16), image_size=32, damped=2))
    twin.embed(torch.zeros(2, 3, 32, 32)).sum().backward()
    gradients = [p.grad for p in twin.backbone.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(g).all() for g in gradients)


def test_an_unknown_backbone_among_several_is_named() -> None:
    with pytest.raises(SettingsError, match="'vgg'"):
        build_backbone(ModelConfig(backbone="conv4+vgg"))


def test_folding_keeps_the_outputs_and_gives_the_folded_architecture() -> None:
    torch.manual_seed(0)
    config = replace(LITE0, backbone="efficientnet_lite0+efficientnet_lite2")
    backbone = build_backbone(config).eval()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        before = backbone(images)
    fold_batch_norms(backbone)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in backbone.modules())
    folded = build_backbone(replace(config, folded=True)).eval()
    folded.load_state_dict(backbone.state_dict())
    with torch.inference_mode():
        assert torch.allclose(folded(images), before, atol=1e-4)


def test_half_way_features_are_added_with_their_own_length() -> None:
    torch.manual_seed(0)
    config = replace(LITE0, backbone="efficientnet_lite0+efficientnet_lite2", middle=0.3)
    backbone = build_backbone(config).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        parts = backbone(images).split([1280, 80, 1280, 88], dim=1)
        last, middle = backbone.members[0].with_middle(images)
        assert torch.equal(last, backbone.members[0](images))
    for part, length in zip(parts, (1, 0.3, 1, 0.3), strict=True):
        assert torch.allclose(part.norm(dim=1), torch.full((2,), float(length)), atol=1e-3)
    assert torch.allclose(parts[1], 0.3 * torch.nn.functional.normalize(middle, dim=1), atol=1e-6)
    blocks = backbone.members[0][1]
    assert [block.layers[-1].num_features for block in blocks[7:9]] == [80, 112]  # the middle ends a stage
    assert backbone.members[0].n_until_middle == 8


def test_other_backbones_have_no_half_way_features() -> None:
    with pytest.raises(SettingsError, match="Only EfficientNet-Lite"):
        build_backbone(ModelConfig(backbone="conv4+efficientnet_lite0", middle=0.3))
