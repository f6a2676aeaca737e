"""``index build`` and ``index search``: the nearest pictures in a large collection."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import fsl
from fsl.base.errors import SettingsError
from fsl.base.settings import check_range
from fsl.base.text import count, similarity_text
from fsl.cli.common import (
    add_checkpoint_option,
    add_data_options,
    add_device_option,
    image_readers,
    progress_bar,
    report,
    report_notes,
    require_answers,
)
from fsl.cli.embed_store import request_of, write_store
from fsl.cli.output import add_json_option, print_json
from fsl.embedding.embed_shards import EmbedRequest, require_embeddings
from fsl.embedding.neighbours import Neighbour
from fsl.embedding.shards import EmbeddingStore, is_store, open_store
from fsl.fewshot.answer_batches import answer_in_batches
from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import NamedImage
from fsl.fewshot.results import remarks
from fsl.index.build import build_index, choose_engine, require_same_network, without_engine
from fsl.index.folder import refuse_existing
from fsl.index.search import N_CANDIDATES, Index, open_index, search
from fsl.twin.checkpoint import Checkpoint

Answer = tuple[str, list[Neighbour]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the two commands, with their options."""
    commands = parser.add_subparsers(required=True, metavar="build|search")
    build = commands.add_parser("build", help="make an index of pictures, or of embeddings by `fsl embed`")
    add_data_options(build)
    build.add_argument("--out", required=True, type=Path, metavar="DIR", help="the new folder of the index")
    build.add_argument(
        "--engine",
        choices=("auto", "faiss", "exact"),
        default="auto",
        help="what proposes neighbours; exact compares with every picture (default: %(default)s)",
    )
    build.set_defaults(work=_build)
    find = commands.add_parser("search", help="find the pictures of an index that are most similar to others")
    find.add_argument("--index", required=True, type=Path, metavar="DIR", help="the folder of the index")
    find.add_argument(
        "--query",
        required=True,
        nargs="+",
        type=Path,
        metavar="PATH",
        help="pictures, or folders or zips of them",
    )
    find.add_argument("--k", type=int, default=10, help="neighbours of each query (default: %(default)s)")
    find.add_argument(
        "--candidates",
        type=int,
        default=N_CANDIDATES,
        help="pictures that the network ranks for each query; more finds more (default: %(default)s)",
    )
    find.set_defaults(work=_search)
    for command in (build, find):
        add_checkpoint_option(command, default="")
        add_device_option(command)
        add_json_option(command)


def run(options: argparse.Namespace) -> None:
    """Run one of the two commands."""
    options.work(options)


def _build(options: argparse.Namespace) -> None:
    began = time.perf_counter()
    refuse_existing(options.out)
    source = Path(options.data)
    if is_store(source):
        if options.part or options.classes:
            raise SettingsError("--part and --classes choose pictures; the embeddings are made already.")
        store, made = open_store(source), None
    else:
        options.checkpoint = options.checkpoint or "photos"
        place = options.out.resolve()  # "." and ".." are no names
        made = place.with_name(f".{place.name}.embeddings")
        store = _embed(request_of(options, made))
    checkpoint = fsl.load(options.checkpoint or store.plan.network, options.device)
    wanted = None if options.engine == "auto" else options.engine
    engine, note = choose_engine(checkpoint, store.n_rows, wanted)
    report_notes([note] if note else [])
    with progress_bar("building") as progress:
        header = build_index(store, checkpoint, options.out, engine, progress)
    if made is not None:
        shutil.rmtree(made, ignore_errors=True)
    seconds = time.perf_counter() - began
    if options.json:
        about = {"images": header.n, "dimension": header.dimension, "engine": engine}
        print_json({**about, "seconds": round(seconds, 2)})
    else:
        print(f"{options.out}: {count(header.n, 'image')}, engine {engine}, in {seconds:.1f} s")


def _embed(request: EmbedRequest) -> EmbeddingStore:
    """Embed pictures beside the index; what a killed build of other pictures left there is replaced.

    Raises:
        DataError: no picture can be read; nothing is left beside the index.
    """
    store, _ = write_store(request, replace=True)
    report(store.unread)
    if not store.n_rows:
        shutil.rmtree(request.out, ignore_errors=True)
    require_embeddings(store.n_rows, store.unread)
    return store


def _search(options: argparse.Namespace) -> None:
    check_range("--k", options.k, 1, 10_000)
    check_range("--candidates", options.candidates, 1, 100_000)
    index = open_index(options.index, max(options.k, options.candidates))
    header = index.header
    checkpoint = fsl.load(options.checkpoint or header.network, options.device)
    require_same_network(checkpoint, header.network, header.digest, str(options.index))
    if index.candidates is None and header.engine != "exact":
        report_notes([without_engine(header.n)])
    readers, besides = image_readers(options.query)
    with progress_bar("pictures") as progress:
        answers, problems = answer_in_batches(
            checkpoint,
            readers,
            lambda pictures: _answers(index, checkpoint, pictures, options.k),
            progress=progress,
        )
    require_answers(answers, problems, "pictures")
    if options.json:
        results = [_as_json(index, *answer) for answer in answers]
        print_json({"results": results, **remarks([*besides, *problems])})
        return
    for name, neighbours in answers:
        print(name)
        for one in neighbours:
            image, label = index.image_of(one.row), index.label_of(one.row)
            of_class = f"  ({label})" if label else ""
            print(f"  {similarity_text(one.similarity)}  {image}{of_class}")


def _answers(index: Index, checkpoint: Checkpoint, pictures: Sequence[NamedImage], k: int) -> list[Answer]:
    found = search(index, checkpoint.twin, embed(checkpoint, pictures), k)
    return [(picture.name, neighbours) for picture, neighbours in zip(pictures, found, strict=True)]


def _as_json(index: Index, query: str, neighbours: Sequence[Neighbour]) -> dict[str, object]:
    found = [
        {"image": index.image_of(one.row), "label": index.label_of(one.row), "similarity": one.similarity}
        for one in neighbours
    ]
    return {"query": query, "neighbours": found}
