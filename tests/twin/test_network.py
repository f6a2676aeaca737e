from dataclasses import replace
from threading import Thread

import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import ModelConfig
from fsl.twin.backbones.build import BACKBONES, build_backbone
from fsl.twin.network import TwinNetwork, flips_and_rotations, seeded_network, similarity

SMALL = ModelConfig(backbone="conv4", widths=(4, 4, 4, 4), image_size=32)


def small_twin(seed: int = 0) -> TwinNetwork:
    torch.manual_seed(seed)
    return TwinNetwork(SMALL).eval()


def test_forward_is_symmetric_and_exact() -> None:
    twin = small_twin()
    with torch.no_grad():
        twin.head.weight.normal_()
    left, right = torch.randn(5, 3, 32, 32), torch.randn(5, 3, 32, 32)
    assert torch.equal(twin(left, right), twin(right, left))


def test_both_images_go_through_the_same_backbone() -> None:
    twin = small_twin()
    images = torch.randn(3, 3, 32, 32)
    same = twin(images, images)
    assert torch.allclose(same, twin.head.bias.expand(3))  # |e - e| = 0 leaves the bias alone


def test_similarity_is_one_minus_sigmoid() -> None:
    logits = torch.linspace(-5, 5, 11)
    assert torch.allclose(similarity(logits), 1 - torch.sigmoid(logits))


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"face_resnet"}))  # its sizes are fixed
def test_backbones_embed(name: str) -> None:
    config = ModelConfig(backbone=name, image_size=64, embedding_dim=24)
    backbone = build_backbone(config).eval()
    assert backbone(torch.zeros(2, 3, 64, 64)).shape == (2, 24)


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_seeded_weights_are_those_after_seeding_torch(name: str) -> None:
    """They do not change from one version to the next, and the caller's random numbers do not change."""
    config = ModelConfig(backbone=name, image_size=150 if name == "face_resnet" else 32)
    torch.manual_seed(7)
    expected, before = TwinNetwork(config).state_dict(), torch.get_rng_state()
    found = seeded_network(config, 7).state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_thread_does_not_change_seeded_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = seeded_network(SMALL, 7).state_dict()
    convolution = torch.nn.Conv2d.reset_parameters

    def reset(self: torch.nn.Conv2d) -> None:
        other = Thread(target=torch.manual_seed, args=(99,))
        other.start()
        other.join()
        convolution(self)

    monkeypatch.setattr(torch.nn.Conv2d, "reset_parameters", reset)
    found = seeded_network(SMALL, 7).state_dict()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_conv4_has_the_published_number_of_weights() -> None:
    """Conv-4 with 64 channels has 113,088 values in its blocks (convolutions without bias, batch norms)."""
    n_values = sum(p.numel() for p in build_backbone(ModelConfig()).parameters())
    assert n_values == 9 * 3 * 64 + 3 * 9 * 64 * 64 + 4 * 2 * 64


@pytest.mark.parametrize("setting", [{"folded": True}, {"middle": 0.5}, {"centre_spread": 0.3}])
@pytest.mark.parametrize("backbone", ["conv4", "resnet18", "conv4+residual"])
def test_settings_that_no_backbone_has_are_refused(backbone: str, setting: dict[str, float]) -> None:
    ModelConfig(backbone="efficientnet_lite0", **setting)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="Only EfficientNet-Lite"):
        ModelConfig(backbone=backbone, **setting)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="Only EfficientNet-Lite"):
        replace(ModelConfig("efficientnet_lite0", **setting), backbone=backbone)  # type: ignore[arg-type]


def test_a_setting_holds_for_those_of_several_backbones_that_have_it() -> None:
    twin = TwinNetwork(
        ModelConfig(
            "conv4+efficientnet_lite0", image_size=32, folded=True, centre_spread=0.3, embedding_dim=5
        )
    )
    norms = [
        sum(isinstance(one, torch.nn.BatchNorm2d) for one in member.modules())
        for member in twin.backbone.members
    ]
    assert norms == [4, 0]
    assert twin.embedding_dim == 5 + 5


def test_unknown_backbone_names_the_choices() -> None:
    with pytest.raises(SettingsError, match="conv4"):
        build_backbone(ModelConfig(backbone="vgg"))


@pytest.mark.parametrize("backbone", ["residual", "conv4+residual"])
def test_a_residual_backbone_too_narrow_for_torch_is_refused(backbone: str) -> None:
    ModelConfig(backbone=backbone, widths=(8, 4))
    with pytest.raises(SettingsError, match="at least 8"):
        ModelConfig(backbone=backbone, widths=(7, 16))


def test_with_eight_copies_flips_and_quarter_turns_change_no_embedding() -> None:
    torch.manual_seed(0)
    twin = TwinNetwork(ModelConfig(widths=(4, 4, 4, 4), image_size=32, views=8)).eval()
    images = torch.randn(2, 3, 32, 32)
    assert torch.allclose(twin.embed(images), twin.embed(images.flip(3)), atol=1e-5)
    assert torch.allclose(twin.embed(images), twin.embed(images.rot90(1, (2, 3))), atol=1e-5)


def test_flips_and_rotations_are_all_different() -> None:
    image = torch.arange(9.0).view(1, 1, 3, 3)
    for n_copies in (1, 2, 8):
        copies = flips_and_rotations(image, n_copies)
        assert len({tuple(copy.flatten().tolist()) for copy in copies}) == n_copies


def test_a_copy_shares_nothing() -> None:
    twin = small_twin()
    other = twin.copy()
    with torch.no_grad():
        other.head.weight.zero_()
    assert not torch.equal(twin.head.weight, other.head.weight)
