"""``embed``: the embedding of every image, and a map of them, as a file."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import fsl
from fsl.cli.common import Progress, add_data_options, load_data, print_json, write_text
from fsl.embedding.distances import MAX_IMAGES, METRICS, pair_distances
from fsl.embedding.export import embeddings_csv, embeddings_npz
from fsl.embedding.labelled import LabelledEmbeddings
from fsl.embedding.maps import METHODS, MapConfig, make_map
from fsl.errors import DataError
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images

NO_MAP = "none"


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "embed", help="embeddings and a map of a folder of images", description=__doc__
    )
    add_data_options(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.npz|FILE.csv", help="what to write")
    parser.add_argument("--checkpoint", default="fruits", metavar="NAME|FILE", help="default: %(default)s")
    parser.add_argument(
        "--map",
        choices=[*METHODS, NO_MAP],
        default="tsne",
        help=f"none for embeddings alone, of any number of images (default: %(default)s, up to {MAX_IMAGES})",
    )
    parser.add_argument("--metric", choices=METRICS, default="learned", help="default: %(default)s")
    parser.add_argument("--dimensions", type=int, default=2, help="of the map, 2 or 3 (default: %(default)s)")
    parser.add_argument("--perplexity", type=float, default=30.0, help="of t-SNE (default: %(default)s)")
    parser.add_argument("--iterations", type=int, default=1000, help="of t-SNE (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of t-SNE (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Embed every image once, make the map, write the file."""
    suffix = options.out.suffix.lower()
    if suffix not in (".npz", ".csv"):
        raise DataError(f"--out is {options.out}; it must end with .npz or .csv.")
    config = _map_config(options)
    checkpoint = fsl.load(options.checkpoint, options.device)
    model = checkpoint.info.model
    data = load_data(options.data, options.part, options.classes, model.image_size, model.fit)
    if config is not None and len(data) > MAX_IMAGES:
        raise DataError(
            f"{len(data):,} images are too many for a map (at most {MAX_IMAGES:,}). "
            "Name fewer classes with --classes, or take the embeddings alone with --map none."
        )
    began = time.perf_counter()
    with Progress("embedding") as progress:
        embeddings = embed_images(checkpoint.twin, data.images, progress)
    points = None if config is None else _points(checkpoint, embeddings, config, options)
    seconds = time.perf_counter() - began
    images = LabelledEmbeddings(embeddings.numpy(), data.labels, data.class_names, data.names)
    _write(options.out, images, points)
    if options.json:
        dimension = embeddings.shape[1]
        print_json({"images": len(data), "dimension": dimension, "seconds": round(seconds, 2)})
    else:
        print(f"{len(data):,} embeddings of {embeddings.shape[1]} values in {seconds:.1f} s: {options.out}")


def _map_config(options: argparse.Namespace) -> MapConfig | None:
    if options.map == NO_MAP:
        return None
    return MapConfig(options.map, options.dimensions, options.perplexity, options.iterations, options.seed)


def _points(
    checkpoint: Checkpoint, embeddings: Tensor, config: MapConfig, options: argparse.Namespace
) -> NDArray[np.float32]:
    return make_map(pair_distances(checkpoint.twin, embeddings, options.metric), config).points


def _write(path: Path, images: LabelledEmbeddings, points: NDArray[np.float32] | None) -> None:
    if path.suffix.lower() == ".csv":
        write_text(path, embeddings_csv(images, points))
        return
    try:
        path.write_bytes(embeddings_npz(images, points))
    except OSError as error:
        raise DataError(f"{path} could not be written: {error.strerror or error}.") from error
