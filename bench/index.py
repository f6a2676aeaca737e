"""Measure `fsl index` against comparing with every picture.

    python -m bench index [--quick] [--sizes N ...] [--of NAME ...] [--keep DIR]

Vectors are made from real embeddings of 1,200 grocery and Tiny ImageNet pictures (FSL_DATA_DIR): each is one
embedding plus half the difference of two others, plus noise of a tenth of its length. The queries are made in
the same way and are not in the index. `photos` is measured at its full length and at 256 numbers (a random
projection of its embeddings), `fruits` stands for the L1 distance. Recall at 10 is the share of the ten
nearest pictures, by the head, that the search returns, with a 95% interval over the queries. Single queries
and batches of 64 take turns with exact search in blocks; the ratios are exact search's time by the graph's.
Build times are seconds of processor time.

The rows of a run replace those of the same network and size in bench/results/index.json.
"""

from __future__ import annotations

import json
import resource
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bench._indexes import Built, Subject, built, subjects, vectors
from bench._measure import Claim, finish, median, options_of, ratio, result_file, say, take_turns
from fsl.index.search import N_CANDIDATES, search

SHORT, SIZES = 256, (1_000, 3_000, 6_000, 10_000, 30_000)
K, BATCH, N_QUERIES, ROUNDS = 10, 64, 128, 7
_LARGE = 200_000


def main() -> None:
    options = options_of(
        __doc__,
        ("--sizes", {"type": int, "nargs": "+", "help": "numbers of vectors"}),
        ("--of", {"nargs": "+", "default": (), "help": 'e.g. "photos, 256"; all by default'}),
        ("--keep", {"type": Path, "help": "keep the indexes in this folder, and use those that are there"}),
    )
    rows = []
    sizes = options.sizes or ((1_000, 2_000) if options.quick else SIZES)
    for subject in subjects(SHORT, options.quick):
        for n in sizes if not options.of or subject.name in options.of else ():
            with tempfile.TemporaryDirectory() as place:
                parent = options.keep or Path(place)
                made = built(subject, n, parent / f"{subject.name}-{n}".replace(", ", "-"))
                rows.append(measured(subject, n, made))
            say(str(rows[-1]))
    rows = merged(rows, options.quick)
    least = min(rows, key=lambda row: float(str(row["recall at 10"]).split()[0]))
    large = [row for row in rows if int(str(row["vectors"])) >= sizes[-1]]
    slowest = min(large, key=lambda row: float(str(row["single, ratio"]).split()[0]))
    recall, speed = str(least["recall at 10"]), str(slowest["single, ratio"])
    claims = [
        Claim("recall at 10, least", recall, "1 by exact search", recall, "at least 0.99", met(recall, 0.99)),
        Claim(
            f"one query among {slowest['vectors']:,} vectors ({slowest['network']}), least gain",
            f"{slowest['single, ms']} ms",
            f"{slowest['single exact, ms']} ms by exact search",
            speed,
            "at least 1",
            met(speed, 1),
        ),
    ]
    finish("index", claims, rows, options.quick, candidates=N_CANDIDATES)


def met(figure: str, goal: float) -> bool:
    """Return whether a figure with its interval reaches a goal."""
    return float(figure.split()[0]) >= goal


def measured(subject: Subject, n: int, made: Built) -> dict[str, object]:
    """Compare an index of n made embeddings with exact search."""
    index, twin = made.index, subject.twin
    exact = replace(index, candidates=None)
    queries = torch.from_numpy(np.concatenate(list(vectors(subject.real, N_QUERIES, 1))))
    found, true = (search(one, twin, queries, K) for one in (index, exact))
    hits = [len({a.row for a in x} & {b.row for b in y}) / K for x, y in zip(found, true, strict=True)]
    row: dict[str, object] = {
        "network": subject.name,
        "engine": index.header.engine,
        "vectors": n,
        "recall at 10": f"{np.mean(hits):.4f} ± {1.96 * np.std(hits) / np.sqrt(len(hits)):.4f}",
        "build, vectors a CPU second": round(n / made.cpu_seconds),
        "graph, bytes a vector": round(made.graph_bytes / n),
        "embedding, bytes a vector": 4 * subject.real.shape[1],
    }
    rounds = 3 if n >= _LARGE else ROUNDS
    for name, size in (("single", 1), (f"batches of {BATCH}", BATCH)):
        blocks = [queries[start : start + size] for start in range(0, 4 * size, size)][: N_QUERIES // size]
        seconds = take_turns(
            {
                "graph": lambda some=blocks: [search(index, twin, block, K) for block in some],
                "exact": lambda some=blocks: [search(exact, twin, block, K) for block in some],
            },
            rounds,
        )
        n_queries = size * len(blocks)
        for key, label in (("graph", f"{name}, ms"), ("exact", f"{name} exact, ms")):
            row[label] = round(1e3 * median(seconds[key]) / n_queries, 3)
        row[f"{name}, ratio"] = str(ratio(seconds["exact"], seconds["graph"]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**row, "peak memory of the process, GB": round(peak / 2**20, 2)}


def merged(rows: list[dict[str, object]], quick: bool) -> list[dict[str, object]]:
    """Return rows together with those of earlier runs, in order of networks and sizes."""
    file = result_file("index", quick)
    earlier = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.exists() else []
    by_key = {(row["network"], row["vectors"]): row for row in [*earlier, *rows]}
    return [by_key[key] for key in sorted(by_key)]


if __name__ == "__main__":
    main()
