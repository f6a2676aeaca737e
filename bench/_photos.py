"""Photo files like those of a camera, made from drawn fruit, to measure with."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from fsl.data.drawn_fruit import FRUIT_CLASSES
from tools.draw_fruit.render import render_examples

WIDTH, HEIGHT = 1024, 768
_DRAWN = 256  # drawing larger pictures takes long, and enlarged ones are as hard to decode
_KINDS = 2


def write_photos(
    folder: Path, n_classes: int, per_class: int, width: int = WIDTH, height: int = HEIGHT
) -> None:
    """Write different JPEG files with the noise of a camera, in a folder per class.

    Args:
        folder: gets the folders.
        n_classes: number of classes.
        per_class: files of each.
        width, height: of each, in pixels; the width is at least the height.
    """
    rng = np.random.default_rng(0)
    names = tuple(islice(FRUIT_CLASSES, n_classes))
    for name, drawn in render_examples(names, min(per_class, _KINDS), _DRAWN, seed=1).items():
        (folder / name).mkdir(parents=True)
        noisy = [_with_noise(picture, width, height, rng) for picture in drawn]
        used: set[tuple[int, int, int]] = set()
        for i in range(per_class):
            across, down = (int(shift) for shift in rng.integers(-60, 60, 2))
            while (i % len(noisy), across, down) in used:  # or the file would be there twice
                across, down = (int(shift) for shift in rng.integers(-60, 60, 2))
            used.add((i % len(noisy), across, down))
            photo = ImageChops.offset(noisy[i % len(noisy)], across, down)
            photo.save(folder / name / f"{i}.jpg", quality=90)


def photo_files(
    n_classes: int, per_class: int, width: int = WIDTH, height: int = HEIGHT
) -> dict[str, list[tuple[str, bytes]]]:
    """Return such files with names of their own, by class; see ``write_photos``."""
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), n_classes, per_class, width, height)
        return {
            one.name: [(f"{one.name} {path.name}", path.read_bytes()) for path in sorted(one.iterdir())]
            for one in sorted(Path(folder).iterdir())
        }


def _with_noise(picture: Image.Image, width: int, height: int, rng: np.random.Generator) -> Image.Image:
    large = picture.resize((width, width)).crop((0, (width - height) // 2, width, (width + height) // 2))
    noise = rng.normal(0, 4, (height, width, 3))
    return Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8))
