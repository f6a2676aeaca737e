"""The work behind a map: embed the pictures, place them, measure the map. No Streamlit."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from fsl.base.text import count
from fsl.embedding.labelled import NO_CLASS
from fsl.ui.components.scatter import MapPoints
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import embedded, screen_points
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.work import ReportProgress

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.embedding.labelled import LabelledEmbeddings
    from fsl.embedding.maps import EmbeddingMap, MapConfig
    from fsl.embedding.neighbours import Neighbour
    from fsl.embedding.quality import Quality
    from fsl.twin.checkpoint import Checkpoint

MAPPING = threading.Lock()
"""Held while a map is made: one at a time and on one thread, while networks compute."""
_SLOW_FROM = 1000  # pictures; from here on a map takes long enough to say so
_LINKS_TO = 2
_LINKED_QUERIES = 200


@dataclass(frozen=True)
class MapSettings:
    """How maps are made.

    Attributes:
        metric: the distance between pictures: the network's own judgement, or Euclidean.
        config: how pictures are placed by their distances.
    """

    metric: Literal["learned", "euclidean"]
    config: MapConfig


@dataclass(frozen=True, eq=False)
class Mapped:
    """A collection as one network sees it.

    Attributes:
        checkpoint: the network.
        embeddings: float32 ``(n, D)``.
        map: the place of each picture.
        quality: how well the network separates the classes, and how faithful the map is.
        points: the map for the screen.
        links: pairs (query, one of its most similar labelled pictures).
    """

    checkpoint: Checkpoint
    embeddings: Tensor
    map: EmbeddingMap
    quality: Quality
    points: MapPoints
    links: tuple[tuple[int, int], ...]


def make_maps(
    memo: Memo,
    collection: Collection,
    checkpoints: Sequence[Checkpoint],
    how: MapSettings,
    report: ReportProgress,
) -> list[Mapped]:
    """Map a collection by each network, from the memo if nothing has changed.

    Args:
        memo: keeps the maps.
        collection: the pictures; at least one.
        checkpoints: the networks.
        how: how maps are made.
        report: called with the progress.
    """
    return [
        memo.remember(
            map_inputs(collection, [checkpoint], how),
            partial(_mapped, collection, checkpoint, how, report),
        )
        for checkpoint in checkpoints
    ]


def map_inputs(
    collection: Collection, checkpoints: Sequence[Checkpoint], how: MapSettings
) -> tuple[Hashable, ...]:
    """Return what maps depend on. Networks also count by name: two files may hold the same one."""
    return ("map", collection.key, *((one.digest, one.info.name) for one in checkpoints), how)


def _mapped(
    collection: Collection, checkpoint: Checkpoint, how: MapSettings, report: ReportProgress
) -> Mapped:
    name, n = checkpoint.info.name, len(collection.pictures)

    def progress(done: int, total: int) -> None:
        report(done / total, f"{name} is embedding pictures: {done:,} of {total:,}")

    embeddings = embedded(collection, checkpoint, progress)
    labelled = labelled_embeddings(collection, embeddings)
    with COMPUTE:
        distances = core.pair_distances(checkpoint.twin, embeddings, how.metric)
    wait = " This takes up to a minute." if n >= _SLOW_FROM else ""
    report(None, f"Making the map of {count(n, 'picture')}.{wait}")
    with MAPPING:
        report(None, f"Making the map of {count(n, 'picture')}.{wait}")  # ends here if cancelled meanwhile
        with core.threadpool_limits(1, user_api="openmp"):
            made = core.make_map(distances, how.config)
            quality = core.measure(checkpoint.twin, embeddings, distances, labelled.labels, made.points)
    layout = repr(map_inputs(collection, [checkpoint], how))
    points = screen_points(collection, made, layout)
    return Mapped(checkpoint, embeddings, made, quality, points, _links(checkpoint, embeddings, collection))


def labelled_embeddings(collection: Collection, embeddings: Tensor) -> LabelledEmbeddings:
    """Return the collection with its embeddings ``(n, D)`` as the core takes it."""
    names = tuple(picture.name for picture in collection.pictures)
    labels = np.array(collection.labels, dtype=np.int64)
    return core.LabelledEmbeddings(embeddings.numpy(), labels, collection.class_names, names)


def neighbours(found: Mapped, row: int, k: int) -> tuple[Neighbour, ...]:
    """Return the k pictures that the network finds most similar to the one at ``row``, if there is one."""
    if not 0 <= row < len(found.embeddings):
        return ()
    with COMPUTE:
        return core.nearest(found.checkpoint.twin, found.embeddings, row, k)


def _links(checkpoint: Checkpoint, embeddings: Tensor, collection: Collection) -> tuple[tuple[int, int], ...]:
    queries = [row for row, label in enumerate(collection.labels) if label == NO_CLASS][:_LINKED_QUERIES]
    support = [row for row, label in enumerate(collection.labels) if label != NO_CLASS]
    if not support:
        return ()
    with COMPUTE:
        found = {q: core.nearest(checkpoint.twin, embeddings, q, _LINKS_TO, among=support) for q in queries}
    return tuple((query, other.row) for query, others in found.items() for other in others)
