"""Predictions as files: JSON as printed by the command line, and CSV that is safe to open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fsl.base.text import safe_cell

if TYPE_CHECKING:  # these import torch, and pages need this module before torch is loaded
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.support import SupportSet


def results_object(predictions: Sequence[Prediction], support: SupportSet) -> dict[str, Any]:
    """Return ``{"predictions": [{query, label, probability, unknown, scores, similarities}]}``."""
    return {"predictions": [_as_json(p, support) for p in predictions]}


def results_json(predictions: Sequence[Prediction], support: SupportSet) -> str:
    """Return ``results_object`` as text."""
    return json.dumps(results_object(predictions, support), indent=1, ensure_ascii=False)


def results_csv(predictions: Sequence[Prediction], support: SupportSet) -> str:
    """Return a table with a row per query: answer, probability, and the probability of each class.

    ``best_similarity`` decides about ``unknown``; its class need not be the answer.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    best = "best_similarity"
    header = ["query", "label", "probability", "unknown", best, "threshold", *support.class_names]
    writer.writerow([safe_cell(cell) for cell in header])
    for p in predictions:
        similarity = max(p.class_similarity.values())
        numbers = [f"{value:.6f}" for value in (similarity, p.threshold, *p.scores.values())]
        writer.writerow(
            [safe_cell(p.query), safe_cell(p.label), f"{p.probability:.6f}", str(p.unknown).lower(), *numbers]
        )
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
