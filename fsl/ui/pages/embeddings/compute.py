"""The computation behind the map: embed once, place, measure, remember. No layout here."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fsl.base.progress import Progress
from fsl.embedding.labelled import NO_CLASS
from fsl.ui.components.scatter import MapPoints
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.collection_map import embedded, screen_points
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.embedding.labelled import LabelledEmbeddings
    from fsl.embedding.maps import EmbeddingMap
    from fsl.embedding.neighbours import Neighbour
    from fsl.embedding.quality import Quality
    from fsl.twin.checkpoint import Checkpoint

MAPPING = threading.Lock()
"""Held while a map is made: one at a time, on one thread, beside the network's own work."""
_LINKS_TO = 2
_LINKED_QUERIES = 200


@dataclass(frozen=True, eq=False)
class Mapped:
    """A collection as one network sees it.

    Attributes:
        checkpoint: the network.
        embeddings: float32 ``(n, D)``.
        map: the place of each picture.
        quality: the numbers beside it.
        points: the map for the screen.
        links: each query with its most similar labelled pictures.
    """

    checkpoint: Checkpoint
    embeddings: Tensor
    map: EmbeddingMap
    quality: Quality
    points: MapPoints
    links: tuple[tuple[int, int], ...]


def mapped(state: MapState, collection: Collection, checkpoint: Checkpoint, progress: Progress) -> Mapped:
    """The map by the settings in ``state``, from memory when nothing has changed.

    Args:
        state: the settings.
        collection: what is shown; at least one picture.
        checkpoint: the network.
        progress: called with (done, total) while pictures are embedded.
    """
    config = core.MapConfig(state.method, state.dimensions, state.perplexity, state.iterations, state.seed)
    # By name too: two files may hold the same network.
    inputs = ("map", collection.key, checkpoint.digest, checkpoint.info.name, state.metric, config)

    def compute() -> Mapped:
        embeddings = embedded(collection, checkpoint, progress)
        labelled = labelled_embeddings(collection, embeddings)
        with COMPUTE:
            distances = core.pair_distances(checkpoint.twin, embeddings, state.metric)
        with MAPPING, core.threadpool_limits(1, user_api="openmp"):
            made = core.make_map(distances, config)
            quality = core.measure(checkpoint.twin, embeddings, distances, labelled.labels, made.points)
        points = screen_points(collection, made, repr(inputs))
        return Mapped(
            checkpoint, embeddings, made, quality, points, _links(checkpoint, embeddings, collection)
        )

    return state.memo.remember(inputs, compute)


def labelled_embeddings(collection: Collection, embeddings: Tensor) -> LabelledEmbeddings:
    """The collection with its embeddings ``(n, D)``, as the core knows it."""
    names = tuple(picture.name for picture in collection.pictures)
    labels = np.array(collection.labels, dtype=np.int64)
    return core.LabelledEmbeddings(embeddings.numpy(), labels, collection.class_names, names)


def neighbours(found: Mapped, row: int, k: int) -> tuple[Neighbour, ...]:
    """The pictures that this network finds most similar to one of them."""
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
