"""Built-in data sets: large pictures of the drawn set, and a limited number of each class."""

from __future__ import annotations

import numpy as np
from PIL import Image

from fsl.data.builtin import rendered_set
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery


def test_large_pictures_are_small_ones_enlarged() -> None:
    small, large = rendered_set(96, 1), rendered_set(128, 1)
    assert large.images.shape[1:] == (128, 128, 3)
    enlarged = Image.fromarray(small.images[3]).resize((128, 128), Image.Resampling.BICUBIC)
    assert np.array_equal(large.images[3], np.asarray(enlarged))


def test_only_the_pictures_asked_for_are_made() -> None:
    some = open_source("rendered").load(ImageQuery(16, per_class=2))[0]
    every = open_source("rendered").load(ImageQuery(16, per_class=3))[0]
    assert set(np.bincount(some.labels).tolist()) == {2}
    assert np.array_equal(some.images[:2], every.images[:2])
    digits = open_source("digits").load(ImageQuery(16, per_class=4))[0]
    assert set(np.bincount(digits.labels).tolist()) == {4}
