"""What a network computes from labelled images: half-way maps, or features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import IntArray


@dataclass(frozen=True, eq=False)
class Labelled(ABC):
    """What was computed from labelled images.

    Attributes:
        labels: int64 ``(n,)``.
        class_names: one per label; a class may have no image.
    """

    labels: IntArray
    class_names: tuple[str, ...]

    @abstractmethod
    def rows(self, rows: IntArray) -> Self:
        """Return some of the images, in the given order."""

    def without(self, names: Collection[str]) -> Self:
        """Return the images of all classes but these."""
        left_out = np.array([name in names for name in self.class_names])
        return self.rows(np.flatnonzero(~left_out[self.labels]))

    def present_classes(self) -> list[str]:
        """Return the names of the classes that have images."""
        return [self.class_names[label] for label in np.unique(self.labels)]


@dataclass(frozen=True, eq=False)
class Halfway(Labelled):
    """What the frozen stages return.

    Attributes:
        maps: float16 ``(n, C, H, W)`` by look (unchanged, augmented copies) and by network.
        middles: float32 ``(n, M)``, the features averaged half-way, likewise.
    """

    maps: list[list[Tensor]]
    middles: list[list[Tensor]]

    def rows(self, rows: IntArray) -> Self:
        """Return some of the images, in the given order."""
        kept = torch.from_numpy(rows)
        parts = ([[one[kept] for one in look] for look in part] for part in (self.maps, self.middles))
        return replace(self, labels=self.labels[rows], maps=next(parts), middles=next(parts))

    def keep(self, file: Path) -> None:
        """Write it to a file, and make its folder."""
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(vars(self), file)

    @classmethod
    def kept(cls, file: Path) -> Self:
        """Read what ``keep`` wrote."""
        return cls(**torch.load(file, weights_only=False))


@dataclass(frozen=True, eq=False)
class Embedded(Labelled):
    """Features of the backbone, before any whitening.

    Attributes:
        features: float32 ``(n, D)``.
    """

    features: Tensor

    def rows(self, rows: IntArray) -> Self:
        """Return some of the images, in the given order."""
        return replace(self, labels=self.labels[rows], features=self.features[torch.from_numpy(rows)])
