"""Predictions as files: JSON as printed by the command line, and CSV that is safe to open."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fsl.base.json_values import JsonText, json_text
from fsl.base.text import csv_table
from fsl.data.intake.listing import Problem

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

    ``similarities`` is a ``JsonText``, as there may be 20,000 for a query.

    Args:
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
    return json_text(results_object(predictions, support, labels), indent=1)


def results_csv(
    predictions: Sequence[Prediction], support: SupportSet, labels: Sequence[FinalLabel] | None = None
) -> str:
    """Return a table with a row per query: answer, probability, and the probability of each class.

    The columns of classes begin with "probability: ", so that a class may be called like another column.
    ``best_similarity`` decides about ``unknown``; its class need not be the answer. With ``labels`` there are
    two more columns: ``checked``, and ``final_label``, which is empty for unknown.
    """
    final = ["checked", "final_label"] if labels else []
    header = ["query", "label", "probability", "unknown", "best_similarity", "threshold", *final]
    header += [f"probability: {name}" for name in support.class_names]
    rows = []
    for i, p in enumerate(predictions):
        checked = [str(labels[i].is_checked).lower(), labels[i].name or ""] if labels else []
        numbers = [f"{value:.6f}" for value in (max(p.class_similarity.values()), p.threshold)]
        scores = [f"{score:.6f}" for score in p.scores.values()]
        answer = [p.query, p.label, f"{p.probability:.6f}", str(p.unknown).lower()]
        rows.append([*answer, *numbers, *checked, *scores])
    return csv_table(header, rows)


def remarks(left_out: Sequence[Problem], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return ``left_out: [{file, reason}]`` and ``notes: [sentence]``, each only if there is any."""
    out: dict[str, Any] = {}
    if left_out:
        out["left_out"] = [{"file": problem.name, "reason": problem.reason} for problem in left_out]
    if notes:
        out["notes"] = list(notes)
    return out


def _as_json(p: Prediction, support: SupportSet) -> dict[str, Any]:
    return {
        "query": p.query,
        "label": p.label,
        "probability": p.probability,
        "unknown": p.unknown,
        "scores": p.scores,
        "similarities": JsonText(_similarities_template(support) % p.similarities),
    }


# All but the numbers, by support set: names are the same in each answer. Nine digits tell any two numbers of
# single precision apart.
_TEMPLATES: WeakKeyDictionary[SupportSet, str] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _similarities_template(support: SupportSet) -> str:
    with _LOCK:
        found = _TEMPLATES.get(support)
        if found is None:
            pairs = zip(support.slots, support.images, strict=True)
            names = [{"class": support.class_names[slot], "support": image.name} for slot, image in pairs]
            rows = [json.dumps(of_one, ensure_ascii=False)[:-1].replace("%", "%%") for of_one in names]
            _TEMPLATES[support] = found = (
                "[" + ",\n".join(f'{row}, "similarity": %.9g}}' for row in rows) + "]"
            )
        return found
