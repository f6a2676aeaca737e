"""Image sets that come with the program: nothing to download, for a first run and for experiments."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fsl.base.errors import DataError
from fsl.base.progress import Progress
from fsl.base.types import Float64Array, PixelArray
from fsl.data.imageset import ImageSet
from fsl.data.rendered import RENDERED_CLASSES, render_examples

BUILTIN_SETS: dict[str, str] = {
    "rendered": f"Drawn fruit: {len(RENDERED_CLASSES)} kinds on white",
    "digits": "Handwritten digits of scikit-learn: 10 classes",
}
"""Names and titles."""

_RENDERED_PER_CLASS = 20
_LARGEST_DRAWN = 96
_DIGITS = tuple(f"digit {digit}" for digit in range(10))


def builtin_classes(name: str) -> tuple[str, ...]:
    """The classes of one of ``BUILTIN_SETS``.

    Raises:
        DataError: there is no set of that name.
    """
    if name not in BUILTIN_SETS:
        raise DataError(f"There is no built-in data set {name!r}; there are {', '.join(BUILTIN_SETS)}.")
    return RENDERED_CLASSES if name == "rendered" else _DIGITS


def builtin_set(
    name: str,
    size: int,
    per_class: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageSet:
    """One of ``BUILTIN_SETS``.

    Args:
        name: of the set.
        size: side of the images in pixels, 16 or more.
        per_class: images of each class at most; 0 for as many as is usual (rendered 20, digits all).
        seed: of the drawing, and of which digits are taken.
        progress: called with (done, total) images while they are drawn.

    Raises:
        DataError: there is no set of that name.
        SettingsError: a number is too small.
    """
    builtin_classes(name)
    if name == "rendered":
        return rendered_set(size, per_class or _RENDERED_PER_CLASS, seed, progress)
    return digits_set(size, per_class, seed)


def rendered_set(
    size: int,
    per_class: int = _RENDERED_PER_CLASS,
    seed: int = 0,
    progress: Progress | None = None,
) -> ImageSet:
    """The objects that the program draws itself; about 2 ms an image at 64 pixels.

    Above 96 pixels they are drawn at 96 and enlarged, as drawing takes as long as there are pixels.

    Args:
        size: side in pixels, 16 or more.
        per_class: images of each class, 1 or more.
        seed: of the drawing.
        progress: called with (done, total) images, class by class.

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
    """1,797 handwritten digits of 8x8 pixels, enlarged, dark on white.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", 1998, with scikit-learn.

    Args:
        size: side in pixels.
        per_class: digits of each class at most; 0 for all, about 180.
        seed: of which are taken.
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
    """uint8 ``(size, size, 3)`` of an 8x8 digit, 0 paper to 16 ink."""
    paper = np.clip(np.rint(255.0 - digit * (255.0 / 16.0)), 0, 255).astype(np.uint8)
    large = Image.fromarray(paper).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(large.convert("RGB"))
