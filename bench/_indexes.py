"""Embeddings to search and indexes of them, for the measurements of ``fsl index``."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import fsl
from bench._measure import say
from fsl.base.types import Float32Array, IntArray
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery
from fsl.index.build import add_engine
from fsl.index.engines import candidates_of, open_engine
from fsl.index.folder import AXES, EMBEDDINGS, ENGINE, IndexHeader
from fsl.index.search import N_CANDIDATES, Index
from fsl.index.space import search_space
from fsl.twin.heads import CosineHead, TwinHead
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

SOURCES = ("grocery-store-subset.zip", "tiny-imagenet-subset.zip")
PER_SOURCE = 600
BLOCK = 10_000


@dataclass(frozen=True, eq=False)
class HeadAlone:
    """What a search uses of a network."""

    head: TwinHead


@dataclass(frozen=True, eq=False)
class Subject:
    """A network whose embeddings are searched.

    Attributes:
        name: of the network, and the length of its vectors.
        twin: the network, or its head alone.
        real: embeddings of real pictures, float32 ``(n, D)``.
    """

    name: str
    twin: TwinNetwork | HeadAlone
    real: Float32Array


@dataclass(frozen=True, eq=False)
class Collection:
    """Embeddings to search, and queries that are not among them.

    Attributes:
        name: what they are.
        n: number of embeddings.
        blocks: yields them in order, float32 ``(m, D)`` each.
        queries: float32 ``(q, D)``.
        classes: int64 ``(q,)``, what was drawn to get the queries: their classes; each its own if made.
    """

    name: str
    n: int
    blocks: Callable[[], Iterator[Float32Array]]
    queries: Float32Array
    classes: IntArray


@dataclass(frozen=True, eq=False)
class Built:
    """An index of a collection.

    Attributes:
        index: the index, open.
        cpu_seconds: seconds of processor time that its lists or its graph took.
        peak_bytes: the most memory that the process which built it has held until then.
        engine_bytes: size of the lists or the graph.
    """

    index: Index
    cpu_seconds: float
    peak_bytes: int
    engine_bytes: int


def subjects(short: int, quick: bool) -> list[Subject]:
    """Return `photos` at full length, `photos` projected to fewer numbers, and `fruits`.

    Args:
        short: length of the projected embeddings of `photos`.
        quick: embed fewer pictures.
    """
    per_source = 60 if quick else PER_SOURCE
    found = []
    for name in ("photos", "fruits"):
        twin = fsl.load(name, "cpu").twin
        found.append(Subject(f"{name}, {twin.embedding_dim:,}", twin, real_embeddings(twin, per_source)))
    photos = found[0]
    dim = photos.real.shape[1]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(dim, short)))[0].astype(np.float32)
    alone = HeadAlone(CosineHead(short).requires_grad_(False))
    alone.head.weight.fill_(float(photos.twin.head.weight[0]))
    return [photos, Subject(f"photos, {short:,}", alone, (photos.real @ turn).astype(np.float32)), found[1]]


def real_embeddings(twin: TwinNetwork, per_source: int) -> Float32Array:
    """Return embeddings float32 ``(n, D)`` of pictures of all sources."""
    parts = []
    for name in SOURCES:
        source = open_source(str(Path(os.environ.get("FSL_DATA_DIR", ".")) / name))
        per_class = -(-per_source // len(source.class_names()))
        images, _ = source.load(ImageQuery(twin.config.image_size, twin.config.fit, per_class=per_class))
        parts.append(embed_images(twin, images.images).numpy())
    return np.concatenate(parts)


def vectors(real: Float32Array, n: int, seed: int) -> Iterator[Float32Array]:
    """Yield n made embeddings in blocks: one embedding, half the difference of two others, and noise."""
    rng = np.random.default_rng(seed)
    dim = real.shape[1]
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        base, one, other = (real[rng.integers(len(real), size=size)] for _ in range(3))
        noise = rng.standard_normal(size=(size, dim), dtype=np.float32) / np.sqrt(dim).astype(np.float32)
        yield base + 0.5 * (one - other) + 0.1 * np.linalg.norm(base, axis=1, keepdims=True) * noise


def made_collection(real: Float32Array, n: int, seed: int, n_queries: int) -> Collection:
    """Return n made embeddings and queries made in the same way, drawn with the next seed."""
    queries = np.concatenate(list(vectors(real, n_queries, seed + 1)))
    return Collection(f"made, seed {seed}", n, lambda: vectors(real, n, seed), queries, np.arange(n_queries))


def built(name: str, head: TwinHead, collection: Collection, place: Path) -> Built:
    """Build an index of a collection in a folder, or open it if it is there already.

    Args:
        name: of the network, to say how far the work is.
        head: of the network.
        collection: what is searched.
        place: the folder.
    """
    n, dim = collection.n, collection.queries.shape[1]
    space = search_space(head)
    assert space is not None
    place.mkdir(parents=True, exist_ok=True)
    file, axes, about = place / EMBEDDINGS, place / AXES, place / "about.json"
    if not about.exists():
        if not file.exists():
            _write_vectors(file, collection)
        began, done = time.process_time(), 0

        def advance(size: int) -> None:
            nonlocal done
            done += size
            if n >= 20 * BLOCK:
                say(f"{name}: {done:,} of {n:,} after {time.process_time() - began:.0f} s")

        add_engine(place, n, space, BLOCK, advance)
        cost = {"cpu_seconds": time.process_time() - began, "peak_bytes": peak_bytes()}
        about.write_text(json.dumps(cost), encoding="utf-8")
    header = IndexHeader("", "", dim, n, "faiss", space.distance, {})
    index = Index(
        header,
        np.load(file, mmap_mode="r"),
        None,
        candidates_of(open_engine(place / ENGINE, space.distance), N_CANDIDATES),
        torch.from_numpy(np.load(axes)) if axes.exists() else None,
    )
    cost = json.loads(about.read_text(encoding="utf-8"))
    return Built(index, cost["cpu_seconds"], cost["peak_bytes"], (place / ENGINE).stat().st_size)


def peak_bytes() -> int:
    """Return the most memory that this process has held; pages of mapped files count."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _write_vectors(file: Path, collection: Collection) -> None:
    shape = (collection.n, collection.queries.shape[1])
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, about)
        for block in collection.blocks():
            block.astype("<f4").tofile(out)
    part.rename(file)
