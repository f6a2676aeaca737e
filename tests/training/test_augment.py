import pytest
import torch

from fsl.base.errors import SettingsError
from fsl.config import NO_AUGMENTATION, AugmentConfig
from fsl.training.augment import as_new_classes, augment

STRONG = AugmentConfig(180, 1.3, 0.1, 1.2, True, 0.3, 0.3, 0.2, 0.4)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_no_strength_no_change() -> None:
    images = torch.rand(4, 3, 16, 16)
    assert torch.equal(augment(images, NO_AUGMENTATION, generator()), images)
    slots = torch.tensor([0, 0, 1, 1])
    assert torch.equal(as_new_classes(images, slots, NO_AUGMENTATION, generator()), images)


def test_result_stays_in_range_and_repeats_with_the_seed() -> None:
    images = torch.rand(8, 3, 16, 16)
    one, two = augment(images, STRONG, generator(1)), augment(images, STRONG, generator(1))
    assert torch.equal(one, two)
    assert not torch.equal(one, augment(images, STRONG, generator(2)))
    assert one.min() >= 0
    assert one.max() <= 1


def test_rotation_keeps_a_disc_and_its_background() -> None:
    """A centred disc on white looks the same from every side."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 33), torch.linspace(-1, 1, 33), indexing="ij")
    disc = ((x**2 + y**2) > 0.4).float().expand(5, 3, -1, -1)
    config = AugmentConfig(rotate=180, zoom=1, shift=0, brightness=0, contrast=0, background=1.0)
    turned = augment(disc, config, generator())
    assert (turned - disc).abs().mean() < 0.02
    assert turned[:, :, 0, 0] == pytest.approx(1.0)


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.arange(4.0).repeat(4, 1).expand(400, 3, 4, 4) / 4
    config = AugmentConfig(0, 1, 0, 1, True, 0, 0)
    out = augment(images, config, generator())
    mirrored = (out[:, 0, 0, 0] - images[0, 0, 0, 3]).abs() < 1e-3
    assert 0.4 < mirrored.float().mean() < 0.6


def test_a_class_is_recoloured_and_turned_as_one() -> None:
    images = torch.rand(1, 3, 8, 8).expand(40, 3, 8, 8)
    slots = torch.arange(10).repeat_interleave(4)
    out = as_new_classes(images, slots, AugmentConfig(recolour=1.0, turn=1.0), generator())
    for slot in range(10):
        own = out[slots == slot]
        assert torch.equal(own, own[:1].expand_as(own))
    assert len({tuple(out[i * 4].flatten().tolist()) for i in range(10)}) > 4
    assert torch.allclose(out.sum(dim=(1, 2, 3)), images.sum(dim=(1, 2, 3)))  # nothing but moved values


def test_impossible_strengths_are_refused() -> None:
    with pytest.raises(SettingsError, match="zoom is 0"):
        AugmentConfig(zoom=0.0)
