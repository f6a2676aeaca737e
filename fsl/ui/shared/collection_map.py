"""A collection placed on a map for the screen, and its pictures in one image. No layout here."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

from fsl.base.progress import Progress
from fsl.ui.components.scatter import MapPoints, Sheet
from fsl.ui.shared import core
from fsl.ui.shared.collection import Collection
from fsl.ui.shared.embedding import embed_new
from fsl.ui.shared.memo import Memo
from fsl.ui.shared.pictures import data_uri
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import Float32Array, Float64Array
    from fsl.embedding.export import Sprite
    from fsl.embedding.maps import EmbeddingMap
    from fsl.twin.checkpoint import Checkpoint


def principal_points(memo: Memo, collection: Collection, checkpoint: Checkpoint) -> MapPoints:
    """Place pictures on a map by PCA, which is quick once they are embedded."""
    inputs = ("small", collection.pictures_key, checkpoint.digest)

    def compute() -> EmbeddingMap:
        embeddings = embedded(collection, checkpoint, lambda done, total: None)
        with COMPUTE:
            distances = core.pair_distances(checkpoint.twin, embeddings, "learned")
        return core.principal_map(distances, 2)

    return screen_points(collection, memo.remember(inputs, compute), repr(inputs))


def embedded(collection: Collection, checkpoint: Checkpoint, progress: Progress) -> Tensor:
    """Embed a collection ``(n, D)``, from the cache where possible; ``progress`` gets (done, total)."""
    embed_new(checkpoint, collection.pictures, lambda done, total: progress(len(done), total))
    with COMPUTE:
        return core.embed(checkpoint, collection.pictures)


def screen_points(collection: Collection, made: EmbeddingMap, layout: str) -> MapPoints:
    """Return a map as the browser gets it, rounded to what can be seen."""
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
    """Centre and scale the places of a map ``(n, 2 or 3)`` to fill the square from -1 to 1."""
    centred = points - (points.max(0) + points.min(0)) / 2
    places: Float64Array = (centred / (float(abs(centred).max()) or 1.0)).astype(float)
    return places


def sheet_of(memo: Memo, collection: Collection, side: int = 0) -> Sheet:
    """Return all pictures in one image, small enough to send to a browser.

    Args:
        memo: keeps the sheet.
        collection: the pictures.
        side: of one picture in pixels; 0 for what suits a large map.
    """
    side = side or _tile_side(len(collection.pictures))

    def compute() -> Sheet:
        sprite = sprite_of(collection, side)
        src = data_uri(sprite.image, "JPEG", quality=78)
        return Sheet(f"{collection.pictures_key} {side}", src, sprite.tile, sprite.columns)

    return memo.remember(("sheet", collection.pictures_key, side), compute)


def sprite_of(collection: Collection, tile: int) -> Sprite:
    """Put the thumbnails of a collection side by side, ``tile`` pixels each."""
    pictures = collection.pictures
    thumbnails = (Image.open(io.BytesIO(base64.b64decode(p.thumbnail.partition(",")[2]))) for p in pictures)
    return core.make_sprite(thumbnails, len(pictures), tile)


def _tile_side(n: int) -> int:
    """Return the side of one picture in pixels, so that the sheet takes about 1 to 4 MB."""
    return 112 if n <= 400 else 72 if n <= 1600 else 48
