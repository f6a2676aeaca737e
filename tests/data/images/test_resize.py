"""Squares against averages computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.config import Fit
from fsl.data.images.resize import to_square

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(40, 30), (1, 1), (1, 1024), (1024, 3), (7, 7)])
def test_shape_and_type(fit: Fit, size: tuple[int, int]) -> None:
    square = to_square(Image.new("RGB", size, (1, 2, 3)), 16, fit)
    assert square.shape == (16, 16, 3)
    assert square.dtype == np.uint8
    assert square.flags.writeable


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_square_of_the_right_size_is_kept(fit: Fit) -> None:
    pixels = RNG.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    assert np.array_equal(to_square(Image.fromarray(pixels), 12, fit), pixels)


def three_bands(horizontal: bool) -> Image.Image:
    """90x30 (or 30x90): red, green and blue, a third each."""
    bands = np.repeat(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8), 30, axis=0)
    pixels = np.broadcast_to(bands[None], (30, 90, 3))
    return Image.fromarray(np.ascontiguousarray(pixels if horizontal else pixels.transpose(1, 0, 2)))


@pytest.mark.parametrize("horizontal", [True, False])
def test_crop_takes_the_centre(horizontal: bool) -> None:
    square = to_square(three_bands(horizontal), 10, "crop")
    assert (square == [0, 255, 0]).all()


@pytest.mark.parametrize("horizontal", [True, False])
def test_pad_adds_white_on_both_sides(horizontal: bool) -> None:
    square = to_square(three_bands(horizontal), 9, "pad")
    if not horizontal:
        square = square.transpose(1, 0, 2)
    assert (square[:3] == 255).all()
    assert (square[6:] == 255).all()
    assert square[4, [0, 4, 8]].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


@pytest.mark.parametrize("horizontal", [True, False])
def test_stretch_shows_everything(horizontal: bool) -> None:
    square = to_square(three_bands(horizontal), 9, "stretch")
    if not horizontal:
        square = square.transpose(1, 0, 2)
    assert square[4, [0, 4, 8]].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_shrinking_averages_instead_of_skipping() -> None:
    """A one-pixel checkerboard becomes grey; taking single pixels would give black or white."""
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    square = to_square(Image.fromarray(board), 32, "stretch").astype(int)
    assert abs(square - 127.5).max() < 3


def test_the_mean_is_kept() -> None:
    pixels = RNG.integers(0, 256, (300, 300, 3), dtype=np.uint8)
    square = to_square(Image.fromarray(pixels), 30, "crop")
    assert abs(square.mean() - pixels.mean()) < 1.0


def test_wrong_settings() -> None:
    image = Image.new("RGB", (4, 4))
    with pytest.raises(SettingsError, match="at least 1 pixel"):
        to_square(image, 0, "crop")
    with pytest.raises(SettingsError, match="crop, pad, stretch"):
        to_square(image, 8, "cover")  # type: ignore[arg-type]
