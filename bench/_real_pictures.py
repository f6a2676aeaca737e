"""Embeddings of all photographs in FSL_DATA_DIR, and queries left out of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench._indexes import Collection
from bench._measure import say
from fsl.base.types import BoolArray, Float32Array, IntArray
from fsl.data.catalogue import open_source
from fsl.data.named import named_sources
from fsl.data.query import ImageQuery
from fsl.data.source import Source
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

SOURCES = ("grocery", "tiny-imagenet", "fruits360", "lfw", "clothing-subset.zip", "sign-digits-subset.zip")
PER_CLASS, ONE_IN = 20, 10
_AT_ONCE = 20  # classes whose pictures are in memory at a time


@dataclass(frozen=True, eq=False)
class RealPictures:
    """Embeddings of real pictures.

    Attributes:
        embeddings: float32 ``(n, D)``.
        classes: int64 ``(n,)``.
        is_new: bool ``(n,)``, whether the class had no part in choosing the settings of the lists.
    """

    embeddings: Float32Array
    classes: IntArray
    is_new: BoolArray


def real_collections(twin: TwinNetwork, file: Path, data: Path, quick: bool) -> list[Collection]:
    """Return two collections of the same embeddings: with queries of all classes, and of new ones alone.

    Args:
        twin: the network.
        file: keeps the embeddings; they are read if it is there.
        data: folder of the data sets.
        quick: embed only two pictures of each class.
    """
    pictures = _read(file) if file.exists() else _embedded(twin, data, 2 if quick else PER_CLASS)
    if not file.exists():
        np.savez(file, **vars(pictures))
    asked = np.zeros(len(pictures.classes), bool)
    rng = np.random.default_rng(0)
    for label in np.unique(pictures.classes):
        rows = np.flatnonzero(pictures.classes == label)
        asked[rng.choice(rows, max(1, len(rows) // ONE_IN), replace=False)] = True
    rest = pictures.embeddings[~asked]

    def blocks() -> Iterator[Float32Array]:
        yield rest

    return [
        Collection(name, len(rest), blocks, pictures.embeddings[rows], pictures.classes[rows])
        for name, rows in (("real", asked), ("real, new classes", asked & pictures.is_new))
    ]


def _embedded(twin: TwinNetwork, data: Path, per_class: int) -> RealPictures:
    named = named_sources(data)
    parts = [
        _of_source(twin, named.get(name) or open_source(str(data / name)), per_class) for name in SOURCES
    ]
    n_before, classes = 0, []
    for part in parts:
        classes.append(part.classes + n_before)
        n_before += int(part.classes.max()) + 1
    embeddings, is_new = ([getattr(part, name) for part in parts] for name in ("embeddings", "is_new"))
    return RealPictures(*(np.concatenate(one) for one in (embeddings, classes, is_new)))


def _of_source(twin: TwinNetwork, source: Source, per_class: int) -> RealPictures:
    """Return embeddings of one source; its classes count from 0."""
    names, new = source.class_names(), _new_classes(source)
    parts = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        query = ImageQuery(twin.config.image_size, twin.config.fit, classes=some, per_class=per_class)
        images, _ = source.load(query)
        is_new = np.array([name in new for name in images.class_names])[images.labels]
        parts.append((embed_images(twin, images.images).numpy(), images.labels + start, is_new))
        say(f"{source.title}: {start + len(some)} of {len(names)} classes embedded")
    return RealPictures(*(np.concatenate(one) for one in zip(*parts, strict=True)))


def _new_classes(source: Source) -> set[str]:
    """Return the classes that were not used to choose the number of lists to read."""
    if source.key == "fruits360":
        return set(source.class_list("novel"))
    return set(source.class_names()) if source.key == "lfw" else set()


def _read(file: Path) -> RealPictures:
    with np.load(file, allow_pickle=False) as found:
        return RealPictures(**found)
