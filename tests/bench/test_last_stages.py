"""The training of the last stages of ``photos``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from bench import last_stages
from bench.build_photos import MODEL
from bench.labelled import Halfway
from fsl.data.imageset import ImageSet
from fsl.twin.backbones.build import build_backbone
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import to_uint8
from fsl.twin.test_time_augmentation import augmented_copies

SMALL = replace(MODEL, image_size=64, damped=0)


@pytest.fixture(scope="module")
def backbone() -> nn.Module:
    torch.manual_seed(0)
    return build_backbone(SMALL).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def data() -> ImageSet:
    """Three classes of four images that differ in their colour."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 4)
    images = rng.integers(0, 100, (12, 64, 64, 3), dtype=np.uint8)
    images[np.arange(12), :, :, labels] += 150
    return ImageSet(images, labels, ("red", "green", "blue"), tuple(map(str, range(12))))


def whole(backbone: nn.Module, images: np.ndarray) -> Tensor:
    twin = TwinNetwork(SMALL).eval().requires_grad_(False)
    twin.backbone.load_state_dict(backbone.state_dict())
    return embed_images(twin, images)


def test_both_parts_together_are_the_network(backbone: nn.Module, data: ImageSet, tmp_path: Path) -> None:
    file = tmp_path / "kept.pt"
    halfway = last_stages.computed(backbone, data, SMALL, 2)
    halfway.keep(file)
    copies = to_uint8([augmented_copies(Image.fromarray(one), SMALL)[0] for one in data.images], SMALL)
    for look, images in enumerate((data.images, copies)):
        embedded = last_stages.embedded(backbone, halfway, look)
        torch.testing.assert_close(embedded.features, whole(backbone, images), atol=2e-3, rtol=0)
    kept = Halfway.kept(file)
    assert torch.equal(kept.maps[1][1], halfway.maps[1][1])
    some = halfway.rows(np.array([7, 2]))
    assert some.labels.tolist() == [1, 0]
    assert torch.equal(some.middles[0][1], halfway.middles[0][1][[7, 2]])


def test_classes_can_be_left_out(backbone: nn.Module, data: ImageSet) -> None:
    halfway = last_stages.computed(backbone, data, SMALL, 1)
    some = halfway.without({"green"})
    assert some.present_classes() == ["red", "blue"]
    assert torch.equal(some.maps[0][0], halfway.maps[0][0][[0, 1, 2, 3, 8, 9, 10, 11]])
    features = last_stages.embedded(backbone, halfway).without({"green"}).features
    torch.testing.assert_close(features, last_stages.embedded(backbone, some).features)


def test_training_changes_the_last_stages_alone_by_half_of_what_was_learned(
    backbone: nn.Module, data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway = last_stages.computed(backbone, data, SMALL)
    identity = nn.Identity()
    half = last_stages.trained(backbone, [halfway], [1], identity, steps=2)
    monkeypatch.setattr(last_stages, "SHARE", 1.0)
    full = last_stages.trained(backbone, [halfway], [1], identity, steps=2)
    learning = {
        id(p)
        for network in last_stages.networks_of(full)
        for p in last_stages.last_stages(network).parameters()
    }
    for before, middle, after in zip(
        backbone.parameters(), half.parameters(), full.parameters(), strict=True
    ):
        assert (id(after) in learning) == (not torch.equal(before, after))
        torch.testing.assert_close(middle, (before + after) / 2)
