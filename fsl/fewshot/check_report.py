"""The findings of a check as JSON, for the command line and the pages. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fsl.data.intake.listing import Problem

if TYPE_CHECKING:  # it imports torch
    from fsl.fewshot.check import DataCheck


def check_object(
    found: DataCheck,
    names: Sequence[str],
    labels: Sequence[int],
    class_names: Sequence[str],
    problems: Sequence[Problem],
) -> dict[str, Any]:
    """Return the findings with names in place of rows.

    Args:
        names: of the n pictures.
        labels: n positions in ``class_names``.
        problems: files that could not be used.
    """

    def class_of(row: int) -> str:
        return class_names[labels[row]]

    return {
        "duplicates": [[names[row] for row in group] for group in found.duplicates],
        "near_duplicates": [[names[row] for row in pair] for pair in found.near_duplicates],
        "suspects": [
            {
                "image": names[one.row],
                "label": class_of(one.row),
                "looks_like": class_names[one.looks_like],
                "similarity": one.similarity,
                "doubt": one.doubt,
            }
            for one in found.suspects
        ],
        "outliers": [{"image": names[row], "label": class_of(row)} for row in found.outliers],
        "blank": [names[row] for row in found.blank],
        "tiny": [names[row] for row in found.tiny],
        "thin_classes": [
            {"class": class_names[label], "images": labels.count(label), "different": n}
            for label, n in found.thin.items()
        ],
        "unreadable": [{"file": problem.name, "reason": problem.reason} for problem in problems],
        "images": len(names),
        "classes": len(class_names),
    }
