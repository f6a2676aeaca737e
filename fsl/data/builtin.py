"""Data sets that come with the program, for a first run and for experiments without a download."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fsl.base.progress import Progress
from fsl.base.types import Float64Array, PixelArray
from fsl.data.imageset import ImageSet
from fsl.data.rendered import RENDERED_CLASSES, render_examples
from fsl.data.source import ArraySource

_RENDERED_PER_CLASS = 20
_LARGEST_DRAWN = 96
_DIGITS = tuple(f"digit {digit}" for digit in range(10))
_N_DIGITS = 1797


def builtin_sources() -> dict[str, ArraySource]:
    """Return the data sets that come with the program, by name."""
    rendered = ArraySource(
        key="rendered",
        title="Drawn fruit",
        about=f"{len(RENDERED_CLASSES)} kinds on white",
        known_as="rendered",
        n_images=len(RENDERED_CLASSES) * _RENDERED_PER_CLASS,
        classes=RENDERED_CLASSES,
        make=lambda query, progress: rendered_set(
            query.size, query.per_class or _RENDERED_PER_CLASS, progress=progress
        ),
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


def rendered_set(
    size: int,
    per_class: int = _RENDERED_PER_CLASS,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageSet:
    """Return objects that the program draws.

    Images above 96 pixels are drawn at 96 and enlarged, because drawing time grows with the pixels.

    Args:
        size: side in pixels, 16 or more.
        per_class: images of each class, 1 or more.
        seed: which variants are drawn.
        progress: called with (done, total) images after each class.

    Raises:
        SettingsError: a number is too small.
    """
    drawn: dict[str, list[Image.Image]] = {}
    for name in RENDERED_CLASSES:
        drawn |= render_examples((name,), per_class, min(size, _LARGEST_DRAWN), seed)
        if progress is not None:
            progress(len(drawn) * per_class, len(RENDERED_CLASSES) * per_class)
    images = np.stack([_at_size(image, size) for pictures in drawn.values() for image in pictures])
    labels = np.repeat(np.arange(len(drawn), dtype=np.int64), per_class)
    names = tuple(f"{name}/{i}.png" for name in drawn for i in range(per_class))
    return ImageSet(images, labels, tuple(drawn), names)


def _at_size(image: Image.Image, size: int) -> PixelArray:
    if image.width != size:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)


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
    images = np.stack([_enlarged(digits.images[row], size) for row in rows])
    labels = digits.target[rows].astype(np.int64)
    names = tuple(f"{label}/{row}.png" for label, row in zip(labels, rows, strict=True))
    return ImageSet(images, labels, _DIGITS, names)


def _enlarged(digit: Float64Array, size: int) -> PixelArray:
    """Return uint8 ``(size, size, 3)`` of an 8x8 digit with values from 0 (paper) to 16 (ink)."""
    paper = np.clip(np.rint(255.0 - digit * (255.0 / 16.0)), 0, 255).astype(np.uint8)
    large = Image.fromarray(paper).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(large.convert("RGB"))
