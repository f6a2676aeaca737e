"""Photos to measure with: files as cameras write them, made from pictures that the program draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from fsl.data.rendered import render_examples

SIDES = (1024, 768)
_DRAWN = 256  # drawing larger takes long, and enlarging is as hard to decode


def write_photos(folder: Path, n_classes: int, per_class: int) -> None:
    """A folder per class of JPEG files of 1024 x 768 pixels with a camera's noise, all different."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 4, (SIDES[1], SIDES[0], 3)).astype(np.float32)
    few = min(per_class, 4)
    for name, drawn in list(render_examples(None, few, _DRAWN, seed=1).items())[:n_classes]:
        (folder / name).mkdir(parents=True)
        for i in range(per_class):
            picture = drawn[i % few].resize((SIDES[0], SIDES[0])).crop((0, 128, SIDES[0], 128 + SIDES[1]))
            pixels = np.asarray(picture, np.float32) + np.roll(noise, int(rng.integers(1 << 20)))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{i}.jpg", quality=90)
