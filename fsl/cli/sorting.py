"""``classify --sort-into``: put the queries into a folder per answer."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.data.intake.paths import display_text
from fsl.fewshot.classify import Prediction
from fsl.fewshot.read_pictures import Reader
from fsl.fewshot.sort import plan_sort, sentence
from fsl.fewshot.sort_files import sort_into
from fsl.fewshot.support import SupportSet

Answered = tuple[str, Prediction]
"""The sha256 of a query's file, and its answer."""


def sort_queries(
    folder: Path, answered: Sequence[Answered], queries: Sequence[Reader], support: SupportSet
) -> dict[str, Any]:
    """Sort the queries, and say on stderr what was done.

    Args:
        folder: new or empty.
        queries: name and reader of all queries, also of those without an answer.

    Returns:
        ``{"sorted": {folder, classes: {class: number}, unknown, linked, copied}}``, for JSON.

    Raises:
        DataError, WriteError: see ``fsl.fewshot.sort_files.sort_into``.
    """
    predictions = [prediction for _, prediction in answered]
    labels = [None if p.unknown else p.label for p in predictions]
    plan = plan_sort([p.query for p in predictions], labels, support.class_names)
    placed = sort_into(folder, plan, _sources(answered, queries))
    kinds = [(placed.linked, "hard link", "hard links"), (placed.copied, "copy", "copies")]
    made = ", ".join(count(*kind) for kind in kinds if kind[0])
    shown = display_text(str(folder))
    print(f"sorted into {shown}: {sentence(plan)} ({made})", file=sys.stderr)
    numbers = {"unknown": plan.n_unknown, "linked": placed.linked, "copied": placed.copied}
    return {"sorted": {"folder": shown, "classes": plan.counts, **numbers}}


def _sources(answered: Sequence[Answered], queries: Sequence[Reader]) -> list[Callable[[], bytes]]:
    """Return the reader of each answered query; of several with the same name, the one with its content.

    Raises:
        DataError: that one has changed meanwhile.
    """
    by_name: dict[str, list[Callable[[], bytes]]] = defaultdict(list)
    for name, read in queries:
        by_name[name].append(read)
    found = []
    for digest, prediction in answered:
        readers = by_name[prediction.query]
        if len(readers) == 1:
            found += readers
        else:
            same = next((read for read in readers if hashlib.sha256(read()).hexdigest() == digest), None)
            if same is None:
                raise DataError(f"{prediction.query} has changed meanwhile. Nothing was sorted; try again.")
            found.append(same)
    return found
