"""Measure `fsl index` against comparing with every picture.

    python -m bench index [--quick] [--n N]

Vectors are made from real embeddings of 1,200 grocery and Tiny ImageNet pictures (FSL_DATA_DIR): each is one
embedding plus half the difference of two others, plus noise of a tenth of its length. The queries are made in
the same way and are not in the index. ``--n`` (100,000 by default) is the number of vectors with 512 numbers
(a random projection of the embeddings of `photos`) and, for the weighted L1 distance, with those of `fruits`;
a tenth of it is measured at the full length of `photos`. Recall at 10 is the share of the ten nearest
pictures, by the head, that the search returns. The crossing is the number of pictures from which on a single
query is faster with a graph.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import fsl
from bench._measure import Claim, finish, median, options_of, say
from fsl.base.types import Float32Array
from fsl.data.catalogue import open_source
from fsl.data.query import ImageQuery
from fsl.index.engines import build_graph, engine_for, open_graph
from fsl.index.exact import exact_search
from fsl.index.folder import IndexHeader
from fsl.index.search import N_CANDIDATES, Index, search
from fsl.index.space import search_space
from fsl.twin.heads import CosineHead
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork

SOURCES = ("grocery-store-subset.zip", "tiny-imagenet-subset.zip")
SHORT = 512
N_QUERIES = 100
BLOCK = 10_000


@dataclass(frozen=True, eq=False)
class HeadAlone:
    """What a search uses of a network."""

    head: CosineHead


def main() -> None:
    options = options_of(__doc__, ("--n", {"type": int, "default": 100_000, "help": "number of vectors"}))
    n = 5_000 if options.quick else options.n
    rows = []
    photos, fruits = fsl.load("photos", "cpu").twin, fsl.load("fruits", "cpu").twin
    real = {twin: real_embeddings(twin, 60 if options.quick else 600) for twin in (photos, fruits)}
    short = HeadAlone(CosineHead(SHORT).requires_grad_(False))
    short.head.weight.fill_(float(photos.head.weight[0]))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(photos.embedding_dim, SHORT)))[0]
    real[short] = (real[photos] @ turn.astype(np.float32)).astype(np.float32)
    for name, twin, number in (
        ("photos, 512 numbers", short, n),
        (f"photos, {photos.embedding_dim:,} numbers", photos, n // 10),
        (f"fruits, {fruits.embedding_dim} numbers", fruits, n),
    ):
        rows.append({"network": name, **measured(twin, real[twin], number)})
        say(str(rows[-1]))
    crossings = [crossing(name, twin, real[twin]) for name, twin in (("photos", photos), ("fruits", fruits))]
    least = min(float(row["recall at 10"]) for row in rows)
    claims = [
        Claim(
            f"recall at 10 of {n:,} vectors, least", f"{least:.3f}", "", "", "at least 0.99", least >= 0.99
        ),
        Claim(
            f"queries a second among {n:,} vectors of 512 numbers",
            f"{rows[0]['queries a second']}",
            f"{rows[0]['exact queries a second']} by comparing with all",
            f"{rows[0]['queries a second'] / rows[0]['exact queries a second']:.0f}",
            "at least 10",
            rows[0]["queries a second"] >= 10 * rows[0]["exact queries a second"],
        ),
    ]
    finish("index", claims, rows, options.quick, crossings=crossings, candidates=N_CANDIDATES)


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
    """Yield n made embeddings in blocks."""
    rng = np.random.default_rng(seed)
    dim = real.shape[1]
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        base, one, other = (real[rng.integers(len(real), size=size)] for _ in range(3))
        noise = rng.normal(size=(size, dim)).astype(np.float32) / np.sqrt(dim).astype(np.float32)
        yield base + 0.5 * (one - other) + 0.1 * np.linalg.norm(base, axis=1, keepdims=True) * noise


def measured(twin: TwinNetwork, real: Float32Array, n: int) -> dict[str, object]:
    """Build an index of n made embeddings, and compare it with exact search."""
    dim = real.shape[1]
    queries = torch.from_numpy(next(vectors(real, N_QUERIES, 1)))
    with tempfile.TemporaryDirectory() as place:
        graph, index, seconds = built(twin, real, n, Path(place))
        began = time.perf_counter()
        found = search(index, twin, queries, 10)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        true = exact_search(twin, queries, index.embeddings, 10)
        theirs = time.perf_counter() - began
        hits = [len({a.row for a in x} & {b.row for b in y}) for x, y in zip(found, true, strict=True)]
        return {
            "engine": index.header.engine,
            "vectors": n,
            "build, s": round(seconds, 1),
            "vectors a second": round(n / seconds),
            "graph, bytes a vector": round(graph.stat().st_size / n),
            "embedding, bytes a vector": 4 * dim,
            "recall at 10": round(float(np.mean(hits)) / 10, 4),
            "queries a second": round(N_QUERIES / ours, 1),
            "exact queries a second": round(N_QUERIES / theirs, 2),
            "peak memory of the process, GB": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2
            ),
        }


def built(twin: TwinNetwork, real: Float32Array, n: int, place: Path) -> tuple[Path, Index, float]:
    """Return the file of a graph of n made embeddings, its index, and the seconds it took."""
    space = search_space(twin.head)
    assert space is not None
    engine = engine_for(space)
    file = place / "embeddings.npy"
    written = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=(n, real.shape[1]))
    for number, block in enumerate(vectors(real, n, 0)):
        written[number * BLOCK : number * BLOCK + len(block)] = block
    written.flush()
    del written
    embeddings = np.load(file, mmap_mode="r")
    blocks = (
        space.vectors(torch.from_numpy(np.array(embeddings[start : start + BLOCK])))
        for start in range(0, n, BLOCK)
    )
    began = time.perf_counter()
    build_graph(engine, place / "graph", space, blocks)
    seconds = time.perf_counter() - began
    header = IndexHeader("", "", real.shape[1], n, engine, {})
    candidates = open_graph(engine, place / "graph", N_CANDIDATES)
    return place / "graph", Index(header, embeddings, None, candidates, N_CANDIDATES), seconds


def crossing(name: str, twin: TwinNetwork, real: Float32Array) -> dict[str, object]:
    """Return the milliseconds of a single query with a graph and without, by number of pictures."""
    row: dict[str, object] = {"network": name}
    queries = torch.from_numpy(next(vectors(real, 20, 1)))
    for n in (1_000, 5_000, 20_000):
        with tempfile.TemporaryDirectory() as place:
            _, index, seconds = built(twin, real, n, Path(place))
            times: dict[bool, list[float]] = {True: [], False: []}
            for query in queries[:, None]:
                for has_graph in times:
                    one = index if has_graph else replace(index, candidates=None)
                    began = time.perf_counter()
                    search(one, twin, query, 10)
                    times[has_graph].append(time.perf_counter() - began)
        ours, theirs = (1e3 * median(times[has_graph]) for has_graph in times)
        row[f"{n:,}"] = {
            "graph, ms": round(ours, 2),
            "all, ms": round(theirs, 2),
            "build, s": round(seconds, 2),
            "queries that pay for it": round(1e3 * seconds / (theirs - ours)) if theirs > ours else None,
        }
    say(str(row))
    return row


if __name__ == "__main__":
    main()
