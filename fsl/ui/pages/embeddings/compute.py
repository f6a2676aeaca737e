"""The computation behind the map: embed once, place, measure, remember. No layout here."""

from __future__ import annotations

import base64
import io
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fsl.base.progress import Progress
from fsl.embedding.labelled import NO_CLASS
from fsl.ui.components.scatter import MapPoints, Sheet
from fsl.ui.pages.classify.decide import embed_new
from fsl.ui.pages.embeddings.collection import Collection
from fsl.ui.pages.embeddings.state import MapState
from fsl.ui.shared import core
from fsl.ui.shared.pictures import data_uri
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import Float32Array, Float64Array
    from fsl.embedding.export import Sprite
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
        from threadpoolctl import threadpool_limits

        embeddings = _embedded(collection, checkpoint, progress)
        labelled = labelled_embeddings(collection, embeddings)
        with COMPUTE:
            distances = core.pair_distances(checkpoint.twin, embeddings, state.metric)
        with MAPPING, threadpool_limits(1, user_api="openmp"):
            made = core.make_map(distances, config)
            quality = core.measure(checkpoint.twin, embeddings, distances, labelled.labels, made.points)
        points = screen_points(collection, made, repr(inputs))
        return Mapped(
            checkpoint, embeddings, made, quality, points, _links(checkpoint, embeddings, collection)
        )

    return state.memo.remember(inputs, compute)


def principal_points(state: MapState, collection: Collection, checkpoint: Checkpoint) -> MapPoints:
    """A quick PCA map of pictures that are embedded already."""
    inputs = ("small", collection.key, checkpoint.digest)

    def compute() -> MapPoints:
        embeddings = _embedded(collection, checkpoint, lambda done, total: None)
        with COMPUTE:
            distances = core.pair_distances(checkpoint.twin, embeddings, "learned")
        return screen_points(collection, core.principal_map(distances, 2), repr(inputs))

    return state.memo.remember(inputs, compute)


def _embedded(collection: Collection, checkpoint: Checkpoint, progress: Progress) -> Tensor:

    embed_new(checkpoint, collection.pictures, lambda done, total: progress(len(done), total))
    with COMPUTE:
        return core.embed(checkpoint, collection.pictures)


def labelled_embeddings(collection: Collection, embeddings: Tensor) -> LabelledEmbeddings:
    """The collection with its embeddings ``(n, D)``, as the core knows it."""
    names = tuple(picture.name for picture in collection.pictures)
    labels = np.array(collection.labels, dtype=np.int64)
    return core.LabelledEmbeddings(embeddings.numpy(), labels, collection.class_names, names)


def screen_points(collection: Collection, made: EmbeddingMap, layout: str) -> MapPoints:
    """A map for the screen, rounded to what can be seen."""
    return MapPoints(
        collection=collection.key,
        layout=layout,
        dims=made.points.shape[1],
        xyz=screen_places(made.points).round(4).ravel().tolist(),
        labels=collection.labels,
        classes=collection.class_names,
        names=[picture.name for picture in collection.pictures],
    )


def screen_places(points: Float32Array) -> Float64Array:
    """The places of a map ``(n, 2 or 3)``, in the middle of a square from -1 to 1 and as large as it."""
    centred = points - (points.max(0) + points.min(0)) / 2
    places: Float64Array = (centred / (float(abs(centred).max()) or 1.0)).astype(float)
    return places


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


def sheet_of(state: MapState, collection: Collection) -> Sheet:
    """All pictures in one, small enough to be sent to a browser."""

    def compute() -> Sheet:
        sprite = sprite_of(collection, _tile_side(len(collection.pictures)))
        src = data_uri(sprite.image, "JPEG", quality=78)
        return Sheet(collection.key, src, sprite.tile, sprite.columns)

    return state.memo.remember(("sheet", collection.key), compute)


def sprite_of(collection: Collection, tile: int) -> Sprite:
    """The collection's thumbnails side by side."""
    pictures = collection.pictures
    thumbnails = (Image.open(io.BytesIO(base64.b64decode(p.thumbnail.partition(",")[2]))) for p in pictures)
    return core.make_sprite(thumbnails, len(pictures), tile)


def _tile_side(n: int) -> int:
    """Pixels a picture: about 1 to 4 MB for all of them together."""
    return 112 if n <= 400 else 72 if n <= 1600 else 48
