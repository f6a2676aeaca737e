"""Measure `fsl index` against comparing with every picture.

    python -m bench index [--quick] [--sizes N ...] [--of NAME ...] [--keep DIR [--build]]

Vectors are made from real embeddings of 1,200 grocery and Tiny ImageNet pictures (FSL_DATA_DIR): each is one
embedding plus half the difference of two others, plus noise of a tenth of its length. The queries are made in
the same way and are not in the index. `photos` is measured at its full length and at 256 numbers (a random
projection of its embeddings), `fruits` stands for the L1 distance. Recall at 10 is the share of the ten
nearest pictures, by the head, that the search returns, with a 95% interval over the queries. Single queries
and batches of 64 take turns with exact search in blocks; the ratios are exact search's time by the index's.
Build times are seconds of processor time.

Each row is written to bench/results/index.json as soon as it is there, and replaces the one of the same
network and size. A million vectors of `photos` take 14 GB of disk: `--keep DIR --build` builds, and the same
command without `--build` measures.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from bench._indexes import Built, Subject, built, peak_bytes, subjects, vectors
from bench._measure import Claim, finish, median, options_of, ratio, result_file, take_turns
from fsl.index.search import N_CANDIDATES, search

SHORT, SIZES = 256, (1_000, 3_000, 6_000, 10_000, 30_000, 100_000, 1_000_000)
K, BATCH, N_QUERIES, ROUNDS = 10, 64, 128, 7
_LARGE = 200_000


def main() -> None:
    options = options_of(
        __doc__,
        ("--sizes", {"type": int, "nargs": "+", "help": "numbers of vectors"}),
        ("--of", {"nargs": "+", "default": (), "help": 'e.g. "photos, 256"; all by default'}),
        ("--keep", {"type": Path, "help": "keep the indexes in this folder, and use those that are there"}),
        ("--build", {"action": "store_true", "help": "only build the indexes in the folder of --keep"}),
    )
    sizes = options.sizes or ((1_000, 2_000) if options.quick else SIZES)
    asked = [s for s in subjects(SHORT, options.quick) if not options.of or s.name in options.of]
    for n, subject in product(sizes, asked):
        with tempfile.TemporaryDirectory() as place:
            parent = options.keep or Path(place)
            made = built(subject, n, parent / f"{subject.name}-{n}".replace(", ", "-"))
            if not options.build:
                report(measured(subject, n, made), options.quick)


def report(row: dict[str, object], quick: bool) -> None:
    """Write a row and the claims about all rows so far."""
    rows = merged(row, quick)
    least = min(rows, key=lambda row: number(row["recall at 10"]))
    most = max(int(str(row["vectors"])) for row in rows)
    large = [row for row in rows if row["vectors"] == most]
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


def measured(subject: Subject, n: int, made: Built) -> dict[str, object]:
    """Compare an index of n made embeddings with exact search."""
    index, twin = made.index, subject.twin
    exact = replace(index, candidates=None)
    queries = torch.from_numpy(np.concatenate(list(vectors(subject.real, N_QUERIES, 1))))
    found, true = (search(one, twin, queries, K) for one in (index, exact))
    hits = [len({a.row for a in x} & {b.row for b in y}) / K for x, y in zip(found, true, strict=True)]
    row: dict[str, object] = {
        "network": subject.name,
        "kind": "lists" if index.header.distance != "manhattan" else "graph",
        "vectors": n,
        "recall at 10": f"{np.mean(hits):.4f} ± {1.96 * np.std(hits) / np.sqrt(len(hits)):.4f}",
        "build, CPU seconds": round(made.cpu_seconds, 1),
        "build, vectors a CPU second": round(n / made.cpu_seconds),
        "index, bytes a vector": round(made.engine_bytes / n),
        "embedding, bytes a vector": 4 * subject.real.shape[1],
    }
    rounds, most = (3, 1) if n >= _LARGE else (ROUNDS, 4)
    for name, size in (("single", 1), (f"batches of {BATCH}", BATCH)):
        blocks = queries.split(size)[:most]
        seconds = take_turns(
            {
                "index": lambda some=blocks: [search(index, twin, block, K) for block in some],
                "exact": lambda some=blocks: [search(exact, twin, block, K) for block in some],
            },
            rounds,
        )
        n_queries = size * len(blocks)
        for key, label in (("index", f"{name}, ms"), ("exact", f"{name} exact, ms")):
            row[label] = round(1e3 * median(seconds[key]) / n_queries, 3)
        row[f"{name}, ratio"] = str(ratio(seconds["exact"], seconds["index"]))
    memory = {"building": made.peak_bytes, "searching": peak_bytes()}
    return row | {f"peak memory {when}, GB": round(peak / 1e9, 2) for when, peak in memory.items()}


def merged(row: dict[str, object], quick: bool) -> list[dict[str, object]]:
    """Add a row to those of earlier runs; return them sorted by network and size."""
    file = result_file("index", quick)
    earlier = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    by_key = {(row["network"], row["vectors"]): row for row in [*earlier, row]}
    return [by_key[key] for key in sorted(by_key)]


if __name__ == "__main__":
    main()
