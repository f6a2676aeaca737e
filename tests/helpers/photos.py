"""Real photos from the folder of the data sets, as a person would drop them."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass
from pathlib import Path

Files = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Photos:
    """Photos to learn from and photos to sort.

    Attributes:
        classes: examples by class name.
        queries: photos to classify, in a random order.
        truth: the class of each query by its file name.
    """

    classes: dict[str, Files]
    queries: Files
    truth: dict[str, str]

    @property
    def class_names(self) -> list[str]:
        """The classes in their order."""
        return list(self.classes)


def grocery_photos(folder: Path, n_classes: int, n_shot: int, n_query: int) -> Photos:
    """Draw photos taken in shops; the same arguments give the same photos.

    Args:
        folder: of the data sets.
        n_classes: number of classes.
        n_shot: examples of each.
        n_query: queries of each.
    """
    draw = random.Random(0)
    classes: dict[str, Files] = {}
    queries: Files = []
    truth: dict[str, str] = {}
    with zipfile.ZipFile(folder / "grocery-store-subset.zip") as archive:
        by_class: dict[str, list[str]] = {}
        for path in sorted(archive.namelist()):
            if path.endswith(".jpg"):
                by_class.setdefault(path.split("/")[-2], []).append(path)
        for name in sorted(draw.sample(sorted(by_class), n_classes)):
            files = [
                (path.split("/")[-1], archive.read(path))
                for path in draw.sample(by_class[name], n_shot + n_query)
            ]
            classes[name] = files[:n_shot]
            queries += files[n_shot:]
            truth |= {file: name for file, _ in files[n_shot:]}
    draw.shuffle(queries)
    return Photos(classes, queries, truth)
