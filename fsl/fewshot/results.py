"""Predictions as files: JSON as printed by the command line, and CSV that is safe to open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fsl.base.text import safe_cell

if TYPE_CHECKING:  # these import torch, and pages need this module before torch is loaded
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.support import SupportSet


@dataclass(frozen=True)
class FinalLabel:
    """What a query counts as after a person looked at the answers.

    Attributes:
        name: of its class, None for unknown.
        is_checked: whether a person said so; else it is the network's answer.
    """

    name: str | None
    is_checked: bool = False


def results_object(
    predictions: Sequence[Prediction], support: SupportSet, labels: Sequence[FinalLabel] | None = None
) -> dict[str, Any]:
    """Return ``{"predictions": [{query, label, probability, unknown, scores, similarities}]}``.

    Args:
        predictions: the answers.
        support: the classes they were found with.
        labels: what each query counts as after a person looked; adds ``checked`` and ``final_label``.
    """
    rows = [_as_json(p, support) for p in predictions]
    for row, label in zip(rows, labels or (), strict=bool(labels)):
        row |= {"checked": label.is_checked, "final_label": label.name}
    return {"predictions": rows}


def results_json(
    predictions: Sequence[Prediction], support: SupportSet, labels: Sequence[FinalLabel] | None = None
) -> str:
    """Return ``results_object`` as text."""
    return json.dumps(results_object(predictions, support, labels), indent=1, ensure_ascii=False)


def results_csv(
    predictions: Sequence[Prediction], support: SupportSet, labels: Sequence[FinalLabel] | None = None
) -> str:
    """Return a table with a row per query: answer, probability, and the probability of each class.

    The columns of classes begin with "probability: ", so that a class may be called like another column.
    ``best_similarity`` decides about ``unknown``; its class need not be the answer. With ``labels`` there are
    two more columns: ``checked``, and ``final_label``, which is empty for unknown.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    best = "best_similarity"
    final = ["checked", "final_label"] if labels else []
    header = ["query", "label", "probability", "unknown", best, "threshold", *final]
    header += [f"probability: {name}" for name in support.class_names]
    writer.writerow([safe_cell(cell) for cell in header])
    for i, p in enumerate(predictions):
        answer = [safe_cell(p.query), safe_cell(p.label), f"{p.probability:.6f}", str(p.unknown).lower()]
        similarity = f"{max(p.class_similarity.values()):.6f}"
        checked = [str(labels[i].is_checked).lower(), safe_cell(labels[i].name or "")] if labels else []
        scores = [f"{score:.6f}" for score in p.scores.values()]
        writer.writerow([*answer, similarity, f"{p.threshold:.6f}", *checked, *scores])
    return out.getvalue()


def _as_json(p: Prediction, support: SupportSet) -> dict[str, Any]:
    pairs = zip(support.slots, support.images, p.similarities, strict=True)
    return {
        "query": p.query,
        "label": p.label,
        "probability": p.probability,
        "unknown": p.unknown,
        "scores": p.scores,
        "similarities": [
            {"class": support.class_names[slot], "support": image.name, "similarity": value}
            for slot, image, value in pairs
        ],
    }
