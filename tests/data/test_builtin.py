"""Data sets that come with the program."""

from __future__ import annotations

import numpy as np

from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery


def test_only_the_pictures_asked_for_are_made() -> None:
    some = open_source("rendered").load(ImageQuery(16, per_class=2))[0]
    every = open_source("rendered").load(ImageQuery(16, per_class=3))[0]
    assert set(np.bincount(some.labels).tolist()) == {2}
    assert np.array_equal(some.images[:2], every.images[:2])
    digits = open_source("digits").load(ImageQuery(16, per_class=4))[0]
    assert set(np.bincount(digits.labels).tolist()) == {4}
