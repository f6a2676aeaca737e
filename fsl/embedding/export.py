"""Embeddings and maps as files: a table, arrays, and TensorBoard's Embedding Projector."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fsl.base.errors import SettingsError
from fsl.base.text import safe_cell
from fsl.base.types import Float32Array
from fsl.embedding.labelled import LabelledEmbeddings

_AXES = ("x", "y", "z")
_PROJECTOR_README = """Embeddings for TensorBoard's Embedding Projector.

In TensorBoard: unpack these files into a folder and run  tensorboard --logdir FOLDER
On projector.tensorflow.org: Load, then vectors.tsv and metadata.tsv (the pictures: TensorBoard only).
"""


def embeddings_csv(images: LabelledEmbeddings, points: Float32Array | None) -> str:
    """Return a table with a row per image: name, class, coordinates, and the embedding (e0, e1, ...).

    Args:
        images: N of them.
        points: the map, ``(N, 2 or 3)``; None for no coordinates.
    """
    axes = _AXES[: 0 if points is None else points.shape[1]]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "class", *axes, *(f"e{i}" for i in range(images.embeddings.shape[1]))])
    for row, name in enumerate(images.names):
        numbers = [] if points is None else list(points[row])
        cells = [f"{value:.6g}" for value in [*numbers, *images.embeddings[row]]]
        writer.writerow([safe_cell(name), safe_cell(images.class_of(row)), *cells])
    return out.getvalue()


def embeddings_npz(images: LabelledEmbeddings, points: Float32Array | None) -> bytes:
    """Return a compressed NumPy archive that loads without pickle.

    It holds ``embeddings`` float32 (N, D), ``coordinates`` float32 (N, 2 or 3; N, 0 without a map),
    ``names`` and ``class_names`` (text), and ``labels`` int64 (N,): positions in ``class_names``, or -1.

    Args:
        images: N of them.
        points: the map, ``(N, 2 or 3)``, or None.
    """
    out = io.BytesIO()
    np.savez_compressed(
        out,
        embeddings=images.embeddings,
        coordinates=np.zeros((len(images), 0), np.float32) if points is None else points,
        names=np.array(images.names, dtype=np.str_),
        labels=images.labels,
        class_names=np.array(images.class_names, dtype=np.str_),
    )
    return out.getvalue()


@dataclass(frozen=True)
class Sprite:
    """Many small pictures in one, row by row, for maps and for the projector.

    Attributes:
        image: RGB; not square if the last rows are empty.
        tile: side of one picture, in pixels.
        columns: pictures in a row.
    """

    image: Image.Image
    tile: int
    columns: int


def make_sprite(thumbnails: Iterable[Image.Image], n: int, tile: int) -> Sprite:
    """Put pictures into one, each uncropped and centred on white.

    Args:
        thumbnails: n pictures of any size; read one at a time.
        tile: side of one picture, in pixels.

    Raises:
        SettingsError: the tile is not 1 to 512 pixels, or the result is too large for browsers.
    """
    columns = max(1, int(np.ceil(np.sqrt(n))))
    if not 1 <= tile <= 512 or columns * tile > 8192:
        raise SettingsError(
            f"{n:,} pictures of {tile} pixels do not fit into one of 8192; make them smaller."
        )
    sheet = Image.new("RGB", (columns * tile, max(1, -(-n // columns)) * tile), "white")
    for i, picture in enumerate(thumbnails):
        small = picture.convert("RGB")
        small.thumbnail((tile, tile))
        left, top = (i % columns) * tile, (i // columns) * tile
        sheet.paste(small, (left + (tile - small.width) // 2, top + (tile - small.height) // 2))
    return Sprite(sheet, tile, columns)


def projector_zip(images: LabelledEmbeddings, sprite: Sprite) -> bytes:
    """Return a zip with vectors.tsv, metadata.tsv, sprite.png and projector_config.pbtxt.

    Args:
        images: N of them.
        sprite: of their pictures, in the same order; it is made square, as the projector expects.
    """
    side = sprite.columns * sprite.tile
    square = Image.new("RGB", (side, side), "white")
    square.paste(sprite.image)
    picture = io.BytesIO()
    square.save(picture, "PNG")
    vectors = "\n".join("\t".join(f"{value:.6g}" for value in row) for row in images.embeddings)
    metadata = [("name", "class"), *((name, images.class_of(i)) for i, name in enumerate(images.names))]
    files: dict[str, str | bytes] = {
        "vectors.tsv": f"{vectors}\n",
        "metadata.tsv": "".join(f"{_tsv_row(row)}\n" for row in metadata),
        "sprite.png": picture.getvalue(),
        "projector_config.pbtxt": _projector_config(images, sprite),
        "README.txt": _PROJECTOR_README,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _tsv_row(cells: Sequence[str]) -> str:
    """Join cells without tabs and line ends; an empty cell becomes "-", or columns would shift."""
    plain = (" ".join("".join(c if c.isprintable() else " " for c in cell).split()) for cell in cells)
    return "\t".join(safe_cell(cell) or "-" for cell in plain)


def _projector_config(images: LabelledEmbeddings, sprite: Sprite) -> str:
    return f"""embeddings {{
  tensor_name: "Few-Shot Lab"
  tensor_shape: {len(images)}
  tensor_shape: {images.embeddings.shape[1]}
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
  sprite {{
    image_path: "sprite.png"
    single_image_dim: {sprite.tile}
    single_image_dim: {sprite.tile}
  }}
}}
"""
