"""Embeddings with names and classes: the input of maps, quality measures and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsl.base.errors import SettingsError
from fsl.base.types import Float32Array, IntArray

NO_CLASS = -1
"""The label of an image without a class, such as a query."""
MAX_IMAGES = 5_000
"""Limit of a map: the matrix of all pairs takes 100 MB."""


@dataclass(frozen=True, eq=False)
class LabelledEmbeddings:
    """N embeddings with names and classes of their images.

    Attributes:
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``, positions in ``class_names``, or ``NO_CLASS``.
        class_names: distinct.
        names: N file names.

    Raises:
        SettingsError: the sizes do not match, or a label is out of range.
    """

    embeddings: Float32Array
    labels: IntArray
    class_names: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.embeddings.ndim != 2 or len(self.embeddings) != n or self.labels.shape != (n,):
            found = f"embeddings {self.embeddings.shape}, labels {self.labels.shape}"
            raise SettingsError(f"There are {n} names, but {found}; each image needs one of each.")
        if n and not (self.labels.min() >= NO_CLASS and self.labels.max() < len(self.class_names)):
            raise SettingsError(f"Labels must be from {NO_CLASS} to {len(self.class_names) - 1}.")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def class_of(self, row: int) -> str:
        """Return the class name of an image, "" if it has none."""
        label = int(self.labels[row])
        return "" if label == NO_CLASS else self.class_names[label]


def join_parts(parts: Sequence[LabelledEmbeddings]) -> LabelledEmbeddings:
    """Join parts of one set of images, in order; classes without an image are left out.

    Args:
        parts: one or more, all with the same ``class_names``.
    """
    labels = np.concatenate([part.labels for part in parts])
    used = np.unique(labels[labels != NO_CLASS])
    position = np.full(len(parts[0].class_names) + 1, NO_CLASS, np.int64)  # the last one is NO_CLASS's
    position[used] = np.arange(len(used))
    return LabelledEmbeddings(
        np.concatenate([part.embeddings for part in parts]),
        position[labels],
        tuple(parts[0].class_names[label] for label in used),
        tuple(name for part in parts for name in part.names),
    )
