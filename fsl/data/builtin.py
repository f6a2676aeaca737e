"""Data sets that come with the program, for a first run and for experiments without a download."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.base.progress import Progress
from fsl.base.types import Float64Array, PixelArray
from fsl.data.drawn_fruit import FRUIT_CLASSES, PER_CLASS, fruit_pictures
from fsl.data.imageset import ImageSet
from fsl.data.source import ArraySource

_SMALLEST = 16
_DIGITS = tuple(f"digit {digit}" for digit in range(10))
_N_DIGITS = 1797


def builtin_sources() -> dict[str, ArraySource]:
    """Return the data sets that come with the program, by name."""
    rendered = ArraySource(
        key="rendered",
        title="Drawn fruit",
        about=f"{len(FRUIT_CLASSES)} kinds on white",
        known_as="rendered",
        n_images=len(FRUIT_CLASSES) * PER_CLASS,
        classes=FRUIT_CLASSES,
        make=lambda query, progress: rendered_set(query.size, query.per_class or PER_CLASS, progress),
    )
    digits = ArraySource(
        key="digits",
        title="Handwritten digits",
        about="10 classes, from scikit-learn",
        known_as="digits",
        n_images=_N_DIGITS,
        classes=_DIGITS,
        make=lambda query, _: digits_set(query.size, query.per_class),
    )
    return {source.key: source for source in (rendered, digits)}


def rendered_set(size: int, per_class: int = PER_CLASS, progress: Progress | None = None) -> ImageSet:
    """Return the drawn fruit that ships with the package, scaled from 96 pixels.

    Args:
        size: side of the images in pixels.
        per_class: largest number of images of each class; there are 20.
        progress: called with (done, total) images, class by class.

    Returns:
        the first ``per_class`` images of every class.

    Raises:
        SettingsError: a number is too small.
    """
    if size < _SMALLEST:
        raise SettingsError(f"An image of {size} pixels is too small: choose {_SMALLEST} or more.")
    if per_class < 1:
        raise SettingsError(f"{per_class} images of each class are too few: choose 1 or more.")
    n = min(per_class, PER_CLASS)
    images: list[PixelArray] = []
    for name in FRUIT_CLASSES:
        images += (_at_size(picture, size) for picture in fruit_pictures(name)[:n])
        if progress is not None:
            progress(len(images), n * len(FRUIT_CLASSES))
    labels = np.repeat(np.arange(len(FRUIT_CLASSES), dtype=np.int64), n)
    names = tuple(f"{name}/{i}.png" for name in FRUIT_CLASSES for i in range(n))
    return ImageSet(np.stack(images), labels, FRUIT_CLASSES, names)


def _at_size(picture: PixelArray, size: int) -> PixelArray:
    if len(picture) == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC))


def digits_set(size: int, per_class: int = 0, seed: int = 0) -> ImageSet:
    """Return handwritten digits of 8x8 pixels, enlarged, dark on white.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", 1998, as part of scikit-learn.

    Args:
        size: side in pixels.
        per_class: largest number of digits of each class; 0 for all 1,797, about 180 of each.
        seed: which digits are chosen.
    """
    from sklearn.datasets import load_digits  # slow to import, and only needed here

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    of_class = [order[digits.target[order] == digit] for digit in range(10)]
    rows = np.concatenate([np.sort(r[: per_class or None]) for r in of_class])
    images = np.stack([enlarged_digit(digits.images[row], size) for row in rows])
    labels = digits.target[rows].astype(np.int64)
    names = tuple(f"{label}/{row}.png" for label, row in zip(labels, rows, strict=True))
    return ImageSet(images, labels, _DIGITS, names)


def enlarged_digit(digit: Float64Array, size: int) -> PixelArray:
    """Return a square digit with values from 0 (paper) to 16 (ink) as uint8 ``(size, size, 3)``."""
    paper = np.clip(np.rint(255.0 - digit * (255.0 / 16.0)), 0, 255).astype(np.uint8)
    large = Image.fromarray(paper).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(large.convert("RGB"))
