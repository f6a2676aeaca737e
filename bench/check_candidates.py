"""Measure from how many pictures on faiss finds near copies faster than comparing all pairs does.

    python -m bench check_candidates [--quick]

For each picture the check looks closely at the six most similar ones, by the embeddings (2,728 numbers with
`photos`) and by miniatures (256 numbers). The vectors are made from real embeddings of `photos` plus noise,
as `python -m bench index` makes them, and every tenth is another one plus 5% noise, as a near copy is.
Comparing all pairs, and faiss with the time to make its lists, are measured in seconds of processor time.
So is what Embeddings does for a picture that somebody chooses, comparing it with all others: at best, lists
replace that from as many chosen pictures on as the time to make and search them is that of one comparison.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from bench._indexes import Subject, subjects, vectors
from bench._measure import Claim, finish, options_of
from fsl.embedding.neighbours import nearest
from fsl.index.nearest import LISTS_FROM, nearest_by_lists
from fsl.twin.nearest import nearest_rows

SIZES, SHORT, K, COPIES = (5_000, 10_000, 20_000, 30_000, 50_000), 256, 6, 10
CHOSEN = 10
Found = TypeVar("Found")


def main() -> None:
    options = options_of(__doc__)
    rows = [
        measured(subject, n)
        for subject in subjects(SHORT, options.quick)[:2]
        for n in ((1_000, 2_000) if options.quick else SIZES)
    ]
    large = [row for row in rows if options.quick or int(str(row["pictures"])) >= LISTS_FROM]
    slowest = min(large, key=lambda row: float(str(row["ratio"])))
    copies = min(float(str(row["copies found"])) for row in rows)
    claims = [
        Claim(
            f"candidates for `fsl check` by lists, from {LISTS_FROM:,} pictures on: the least gain",
            f"{slowest['lists, CPU s']} s",
            f"{slowest['all pairs, CPU s']} s",
            str(slowest["ratio"]),
            "at least 1",
            float(str(slowest["ratio"])) >= 1,
        ),
        Claim(
            "near copies among these candidates, least share",
            str(copies),
            "1 by comparing all pairs",
            str(copies),
            "at least 0.99",
            copies >= 0.99,
        ),
    ]
    finish("check_candidates", claims, rows, options.quick)


def measured(subject: Subject, n: int) -> dict[str, object]:
    """Compare both ways for n vectors."""
    made = normalize(torch.from_numpy(np.concatenate(list(vectors(subject.real, n, 0)))), dim=1)
    n_copies = n // COPIES
    noise = normalize(torch.randn(n_copies, made.shape[1], generator=torch.Generator().manual_seed(0)), dim=1)
    made[:n_copies] = normalize(made[-n_copies:] + 0.05 * noise, dim=1)
    exact, exact_seconds = timed(nearest_rows, made)
    found, lists_seconds = timed(nearest_by_lists, made)
    _, chosen_seconds = timed(
        lambda rows, k: [nearest(subject.twin, rows, i, k) for i in range(CHOSEN)], made
    )
    one = chosen_seconds / CHOSEN
    common = (exact[:, :, None] == found[:, None, :]).any(2)
    originals = torch.arange(n - n_copies, n)[:, None]
    return {
        "numbers": made.shape[1],
        "pictures": n,
        "all pairs, CPU s": round(exact_seconds, 1),
        "lists, CPU s": round(lists_seconds, 1),
        "ratio": round(exact_seconds / lists_seconds, 2),
        "one against all, CPU s": round(one, 4),
        "chosen until lists pay": math.ceil(lists_seconds / one),
        "candidates found": round(float(common.float().mean()), 3),
        "copies found": round(float((found[:n_copies] == originals).any(1).float().mean()), 4),
    }


def timed(search: Callable[[Tensor, int], Found], made: Tensor) -> tuple[Found, float]:
    began = time.process_time()
    return search(made, K), time.process_time() - began


if __name__ == "__main__":
    main()
