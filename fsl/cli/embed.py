"""``embed``: write the embedding of every image to a file, with a map, or into a folder of Parquet files.

A folder (of any name, DIR or NAME.parquet) is for collections that no memory holds: work that broke off goes
on with the files that are missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

import fsl
from fsl.base.errors import DataError, SettingsError
from fsl.cli.common import (
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    data_query,
    progress_bar,
    report,
    report_notes,
)
from fsl.cli.embed_store import add_store_options, embed_into_store
from fsl.cli.output import add_json_option, print_json, require_writable, write_result
from fsl.config import ModelConfig
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet
from fsl.embedding.distances import METRICS, pair_distances
from fsl.embedding.export import embeddings_csv, embeddings_npz
from fsl.embedding.labelled import MAX_IMAGES, LabelledEmbeddings, join_parts
from fsl.embedding.maps import MAP_METHODS, MapConfig, make_map
from fsl.training.distributed import ProcessGroup, join_process_group
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import embed_images, usable

NO_MAP = "none"
FILE_SUFFIXES = (".npz", ".csv")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    add_data_options(parser)
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE.npz|FILE.csv|DIR",
        help="the file to write, or a folder for Parquet files without a map",
    )
    add_checkpoint_option(parser, default="photos")
    parser.add_argument(
        "--map",
        choices=[*MAP_METHODS, NO_MAP],
        help=f"kind of map, for up to {MAX_IMAGES} images; none for no map (default: tsne for a file)",
    )
    parser.add_argument(
        "--metric", choices=METRICS, default="learned", help="the map's distance (default: %(default)s)"
    )
    parser.add_argument(
        "--dimensions", type=int, default=2, help="dimensions of the map, 2 or 3 (default: %(default)s)"
    )
    parser.add_argument(
        "--perplexity", type=float, default=30.0, help="perplexity of t-SNE (default: %(default)s)"
    )
    parser.add_argument(
        "--iterations", type=int, default=1000, help="iterations of t-SNE (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of t-SNE (default: %(default)s)")
    add_device_option(parser)
    add_store_options(parser)
    add_json_option(parser)


def run(options: argparse.Namespace) -> None:
    """Embed every image, make the map and write the file; processes of ``torchrun`` share the images."""
    suffix = options.out.suffix.lower()
    if suffix in ("", ".parquet") or (suffix not in FILE_SUFFIXES and options.out.is_dir()):
        if options.map not in (None, NO_MAP):
            raise SettingsError("A map needs a file: end --out with .npz or .csv, or leave --map out.")
        embed_into_store(options)
        return
    if suffix not in FILE_SUFFIXES:
        raise DataError(f"--out is {options.out}; it must end with .npz or .csv, or be a folder.")
    if options.engine != "local":
        raise SettingsError(f"--engine {options.engine} writes Parquet files: let --out be a folder.")
    require_writable(options.out, "--out")
    config = _map_config(options)
    with join_process_group(options.device) as group:
        checkpoint = fsl.load(options.checkpoint, options.device)
        data = _load_share(options, checkpoint.info.model, group)
        n_images = sum(group.gather_objects([len(data)]))
        if group.is_main:
            _check_number(n_images, config)
        began = time.perf_counter()
        with progress_bar("embedding") as progress:
            embeddings = usable(embed_images(checkpoint.twin, data.images, progress))
        seconds = time.perf_counter() - began
        parts = group.gather_objects(
            [LabelledEmbeddings(embeddings.numpy(), data.labels, data.class_names, data.names)]
        )
    if group.is_main:
        _finish(checkpoint, join_parts(parts), config, options, seconds)


def _load_share(options: argparse.Namespace, model: ModelConfig, group: ProcessGroup) -> ImageSet:
    """Load this process's share of the images, and report what no process could read."""
    query = replace(data_query(options, model), share=(group.rank, group.world_size))
    with progress_bar("reading images") as progress:
        data, problems = open_source(options.data).load(query, progress)
    report(dict.fromkeys(group.gather_objects(list(problems))))  # each process lists all files
    report_notes(data.notes)
    return data


def _check_number(n_images: int, config: MapConfig | None) -> None:
    if not n_images:
        raise DataError("None of the images can be read.")
    if config is not None and n_images > MAX_IMAGES:
        raise DataError(
            f"{n_images:,} images are too many for a map (at most {MAX_IMAGES:,}). "
            "Name fewer classes with --classes, or take the embeddings alone with --map none."
        )


def _finish(
    checkpoint: Checkpoint,
    images: LabelledEmbeddings,
    config: MapConfig | None,
    options: argparse.Namespace,
    seconds: float,
) -> None:
    """Make the map, write the file and print what was written."""
    began = time.perf_counter()
    embeddings = torch.from_numpy(images.embeddings)
    points = None
    if config is not None:
        found = make_map(pair_distances(checkpoint.twin, embeddings, options.metric), config)
        points = found.points
        if found.note:
            print(f"fsl: {found.note}", file=sys.stderr)
    seconds += time.perf_counter() - began
    is_table = options.out.suffix.lower() == ".csv"
    write_result(options.out, embeddings_csv(images, points) if is_table else embeddings_npz(images, points))
    if options.json:
        dimension = embeddings.shape[1]
        print_json({"images": len(images), "dimension": dimension, "seconds": round(seconds, 2)})
    else:
        print(f"{len(images):,} embeddings of {embeddings.shape[1]} values in {seconds:.1f} s: {options.out}")


def _map_config(options: argparse.Namespace) -> MapConfig | None:
    if options.map == NO_MAP:
        return None
    return MapConfig(
        options.map or "tsne", options.dimensions, options.perplexity, options.iterations, options.seed
    )
