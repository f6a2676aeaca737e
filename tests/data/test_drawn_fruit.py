"""The drawn fruit that ships with the package."""

from __future__ import annotations

import itertools
from importlib import resources

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.base.types import PixelArray
from fsl.data.builtin import rendered_set
from fsl.data.drawn_fruit import FRUIT_CLASSES, PER_CLASS, SHEETS, SIDE, fruit_pictures, sheet_name
from fsl.data.examples import rendered_task


@pytest.fixture(scope="module")
def fruit() -> dict[str, PixelArray]:
    return {name: fruit_pictures(name) for name in FRUIT_CLASSES}


def test_the_package_holds_a_sheet_of_every_class_and_nothing_else() -> None:
    assert len(set(FRUIT_CLASSES)) == len(FRUIT_CLASSES) == 24
    assert all(name == name.lower().strip() for name in FRUIT_CLASSES)
    folder = resources.files("fsl.data") / "assets" / "fruit"
    assert {file.name for file in folder.iterdir()} == {sheet_name(name) for name in FRUIT_CLASSES}
    size = sum(len((SHEETS / sheet_name(name)).read_bytes()) for name in FRUIT_CLASSES)
    assert size < 2_000_000


def test_a_picture_stands_at_its_place_in_the_sheet(fruit: dict[str, PixelArray]) -> None:
    with (SHEETS / "banana.webp").open("rb") as file:
        sheet = np.asarray(Image.open(file).convert("RGB"))
    assert fruit["banana"].shape == (PER_CLASS, SIDE, SIDE, 3)
    assert np.array_equal(fruit["banana"][7], sheet[SIDE : 2 * SIDE, 2 * SIDE : 3 * SIDE])


def test_corners_are_white_and_the_middle_is_not(fruit: dict[str, PixelArray]) -> None:
    for name, pictures in fruit.items():
        corners = pictures[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        assert corners.min() > 247, name
        assert ((pictures.min(axis=3) < 217).mean(axis=(1, 2)) > 0.08).all(), name


def test_objects_lie_within_the_frame(fruit: dict[str, PixelArray]) -> None:
    for name, pictures in fruit.items():
        border = np.concatenate([pictures[:, [0, -1]], pictures[:, :, [0, -1]].swapaxes(1, 2)], axis=1)
        assert border.min() > 0.75 * 255, name


def test_pictures_of_a_class_differ(fruit: dict[str, PixelArray]) -> None:
    for name, pictures in fruit.items():
        for first, second in itertools.combinations(pictures.astype(np.float32), 2):
            assert np.abs(first - second).mean() > 2.5, name


def test_colour_and_shape_tell_the_classes_apart(fruit: dict[str, PixelArray]) -> None:
    def features(picture: PixelArray) -> list[float]:
        inside = picture.min(axis=2) < 217
        low, high = np.linalg.eigvalsh(np.cov(np.argwhere(inside).T))
        return [*picture[inside].mean(axis=0), *picture[inside].std(axis=0), 255 * np.sqrt(low / high)]

    values = np.array([[features(picture) for picture in pictures] for pictures in fruit.values()])
    values /= values.std(axis=(0, 1))
    means, asked = values[:, :10].mean(axis=1), values[:, 10:]
    distance = np.linalg.norm(asked[:, :, None] - means, axis=3)
    correct = (distance.argmin(axis=2) == np.arange(len(fruit))[:, None]).mean()
    assert correct > 0.5


def test_large_images_are_the_pictures_enlarged_and_small_ones_reduced(fruit: dict[str, PixelArray]) -> None:
    for size in (17, 128):
        images = rendered_set(size, 1).images
        scaled = Image.fromarray(fruit["grapes"][0]).resize((size, size), Image.Resampling.BICUBIC)
        assert np.array_equal(images[3], np.asarray(scaled))
    assert np.array_equal(rendered_set(SIDE, 2).images[1], fruit[FRUIT_CLASSES[0]][1])


def test_there_are_no_more_than_ship() -> None:
    assert set(np.bincount(rendered_set(16, PER_CLASS + 1).labels).tolist()) == {PER_CLASS}
    with pytest.raises(SettingsError, match="21 images of each class are asked for; there are 20"):
        rendered_task(2, PER_CLASS, 2)


@pytest.mark.parametrize(("size", "per_class"), [(15, 1), (16, 0)])
def test_too_small_a_number_is_refused(size: int, per_class: int) -> None:
    with pytest.raises(SettingsError, match="choose"):
        rendered_set(size, per_class)
