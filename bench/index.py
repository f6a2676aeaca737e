"""Measure `fsl index` against comparing with every picture.

    python -m bench index [--sizes N ...] [--of NAME ...] [--seed N] [--recall] [--keep DIR [--build]]
    python -m bench index --real [--of NAME ...] [--recall] [--keep DIR [--build]]

Vectors are made from real embeddings of 1,200 grocery and Tiny ImageNet pictures (FSL_DATA_DIR): each is one
embedding plus half the difference of two others, plus noise of a tenth of its length. The queries are made in
the same way and are not in the index. The settings of the lists were chosen on vectors of seed 0. `photos` is
measured at its full length and at 256 numbers (a random projection of its embeddings), `fruits` stands for
the L1 distance. With `--real` the index holds photographs of FSL_DATA_DIR (groceries, Tiny ImageNet, fruit,
portraits, clothes, signs; at most 20 of a class), and one in ten of each class is a query instead; then those
alone whose classes had no part in choosing settings: 423 people, and the fruit of the list `novel`.

Recall at 10 is the share of the ten nearest pictures, by the head, that the search returns, with its 95%
interval by a bootstrap over the queries, and over the classes of real ones; if nothing was missed, by the
rule of three. Single queries and batches of 64 take turns with exact search in blocks, unless `--recall` is
given; the ratios are exact search's time by the index's. Build times are seconds of processor time.

Each row is written to bench/results/index.json as soon as it is there, and replaces the one of the same
network, pictures and size. A million vectors of `photos` take 14 GB of disk: `--keep DIR --build` builds, and
the same command without `--build` measures.
"""

from __future__ import annotations

import json
import os
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

import fsl
from bench._indexes import Built, Collection, HeadAlone, built, made_collection, peak_bytes, subjects
from bench._measure import Claim, finish, median, options_of, ratio, result_file, take_turns
from bench._real_pictures import real_collections
from fsl.index.search import N_CANDIDATES, Index, search
from fsl.training.gain import interval_over_pictures
from fsl.twin.network import TwinNetwork

SHORT, SIZES = 256, (1_000, 3_000, 6_000, 10_000, 30_000, 100_000, 1_000_000)
K, BATCH, N_QUERIES, ROUNDS = 10, 64, 512, 7
Job = tuple[str, TwinNetwork | HeadAlone, Collection, str]
_LARGE = 200_000
NEVER_SEEN = 3  # what happens in none of n classes may, at 95%, still happen in this many of n


def main() -> None:
    options = options_of(
        __doc__,
        ("--sizes", {"type": int, "nargs": "+", "help": "numbers of vectors"}),
        ("--of", {"nargs": "+", "default": (), "help": 'e.g. "photos, 256"; all by default'}),
        ("--seed", {"type": int, "default": 0, "help": "of the made vectors; the queries get the next one"}),
        ("--real", {"action": "store_true", "help": "search real pictures"}),
        ("--recall", {"action": "store_true", "help": "measure recall, but no time of a query"}),
        ("--keep", {"type": Path, "help": "keep the indexes in this folder, and use those that are there"}),
        ("--build", {"action": "store_true", "help": "only build the indexes in the folder of --keep"}),
    )
    with tempfile.TemporaryDirectory() as place:
        parent = options.keep or Path(place)
        parent.mkdir(parents=True, exist_ok=True)
        for name, twin, collection, folder in (real if options.real else made)(options, parent):
            index = built(name, twin.head, collection, parent / folder)
            if not options.build:
                report(measured(name, twin, collection, index, options.recall), options.quick)


def made(options: Namespace, _: Path) -> Iterator[Job]:
    """Yield the collections of made vectors, each with its network's name and the folder of its index."""
    sizes = options.sizes or ((1_000, 2_000) if options.quick else SIZES)
    asked = [s for s in subjects(SHORT, options.quick) if not options.of or s.name in options.of]
    for n, subject in product(sizes, asked):
        collection = made_collection(subject.real, n, options.seed, N_QUERIES)
        folder = f"{subject.name}-{n}-{options.seed}".replace(", ", "-")
        yield subject.name, subject.twin, collection, folder


def real(options: Namespace, parent: Path) -> Iterator[Job]:
    """Yield the collections of real pictures, each with its network's name and the folder of its index."""
    data = Path(os.environ.get("FSL_DATA_DIR", "."))
    for name in options.of or ("photos", "fruits"):
        twin = fsl.load(name, "cpu").twin
        for collection in real_collections(twin, parent / f"real-{name}.npz", data, options.quick):
            yield f"{name}, {twin.embedding_dim:,}", twin, collection, f"{name}-real"


def report(row: dict[str, object], quick: bool) -> None:
    """Write a row and the claims about all rows so far."""
    rows = merged(row, quick)
    least = min(rows, key=lambda row: number(row["recall at 10"]))
    timed = [row for row in rows if row["single, ratio"]]
    most = max(int(str(row["vectors"])) for row in timed)
    large = [row for row in timed if row["vectors"] == most]
    slowest = min(large, key=lambda row: number(row["single, ratio"]))
    recall, speed = str(least["recall at 10"]), str(slowest["single, ratio"])
    claims = [
        Claim(
            "recall at 10, least",
            recall,
            "1 by exact search",
            recall,
            "at least 0.99",
            number(recall) >= 0.99,
        ),
        Claim(
            f"one query among {slowest['vectors']:,} vectors ({slowest['network']}), least gain",
            f"{slowest['single, ms']} ms",
            f"{slowest['single exact, ms']} ms by exact search",
            speed,
            "at least 1",
            number(speed) >= 1,
        ),
    ]
    finish("index", claims, rows, quick, candidates=N_CANDIDATES)


def number(figure: object) -> float:
    """Return the number of a figure with its interval."""
    return float(str(figure).split()[0].replace(",", ""))


def measured(
    name: str, twin: TwinNetwork | HeadAlone, collection: Collection, made: Built, recall_alone: bool
) -> dict[str, object]:
    """Compare an index of a collection with exact search."""
    index, n = made.index, collection.n
    exact = replace(index, candidates=None)
    queries = torch.from_numpy(collection.queries)
    found, true = (search(one, twin, queries, K) for one in (index, exact))
    hits = np.array(
        [len({a.row for a in x} & {b.row for b in y}) / K for x, y in zip(found, true, strict=True)]
    )
    n_classes = len(np.unique(collection.classes))
    low, high = interval_over_pictures(hits, collection.classes)
    low = low if low < 1 else 1 - NEVER_SEEN / n_classes
    row: dict[str, object] = {
        "network": name,
        "pictures": collection.name,
        "kind": "lists" if index.header.distance != "manhattan" else "graph",
        "vectors": n,
        "queries": len(queries),
        "classes of queries": n_classes,
        "recall at 10": f"{hits.mean():.4f} ({low:.4f} to {high:.4f})",
        "build, CPU seconds": round(made.cpu_seconds, 1),
        "build, vectors a CPU second": round(n / made.cpu_seconds),
        "index, bytes a vector": round(made.engine_bytes / n),
        "embedding, bytes a vector": 4 * queries.shape[1],
    }
    for what, size in (("single", 1), (f"batches of {BATCH}", BATCH)):
        row |= dict.fromkeys(_time_keys(what)) if recall_alone else _times(what, size, twin, index, queries)
    memory = {"building": made.peak_bytes, "searching": peak_bytes()}
    return row | {f"peak memory {when}, GB": round(peak / 1e9, 2) for when, peak in memory.items()}


def _time_keys(what: str) -> tuple[str, str, str]:
    return f"{what}, ms", f"{what} exact, ms", f"{what}, ratio"


def _times(
    what: str, size: int, twin: TwinNetwork | HeadAlone, index: Index, queries: torch.Tensor
) -> dict[str, object]:
    """Measure blocks of queries, with the index and with exact search in turn."""
    exact = replace(index, candidates=None)
    rounds, most = (3, 1) if index.header.n >= _LARGE else (ROUNDS, 4)
    blocks = queries.split(size)[:most]
    seconds = take_turns(
        {
            "index": lambda: [search(index, twin, block, K) for block in blocks],
            "exact": lambda: [search(exact, twin, block, K) for block in blocks],
        },
        rounds,
    )
    each = [round(1e3 * median(seconds[who]) / (size * len(blocks)), 3) for who in ("index", "exact")]
    gain = str(ratio(seconds["exact"], seconds["index"]))
    return dict(zip(_time_keys(what), (*each, gain), strict=True))


def merged(row: dict[str, object], quick: bool) -> list[dict[str, object]]:
    """Add a row to those of earlier runs; return them sorted by network, pictures and size."""
    file = result_file("index", quick)
    earlier = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    by_key = {(row["network"], row["pictures"], row["vectors"]): row for row in [*earlier, row]}
    return [by_key[key] for key in sorted(by_key)]


if __name__ == "__main__":
    main()
