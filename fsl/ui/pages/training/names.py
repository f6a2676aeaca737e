"""What runs that are looked at together are called, so that each can be told from the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fsl.ui.pages.training.table import begun_text, row_of

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

_TOLD = ("pictures", "network", "loss used", "pairs", "seed")


def distinct_names(runs: Sequence[RunInfo]) -> Mapping[str, str]:
    """Each run's name, with what tells it from others of that name; its id where nothing else does.

    Args:
        runs: those looked at.

    Returns:
        names by id, all different.
    """
    rows = {run.id: row_of(run) for run in runs}
    found = {}
    for run in runs:
        alike = [rows[other.id] for other in runs if other.name == run.name]
        own = rows[run.id]
        facts = [key for key in _TOLD if any(row[key] != own[key] for row in alike)]
        is_told = sum(all(row[key] == own[key] for key in facts) for row in alike) == 1
        details = ", ".join(_fact(key, own[key]) for key in facts) if is_told else run.id
        found[run.id] = run.name if len(alike) == 1 else f"{run.name} ({details})"
    return found


def dated_names(runs: Sequence[RunInfo]) -> Mapping[str, str]:
    """What runs are called in a list to choose from: with when they began, and their ids where that is alike.

    Those begun today have the time alone.

    Returns:
        names by id, all different.
    """
    today = f"{datetime.now():%Y-%m-%d} "
    dated = {run.id: f"{run.name}, {begun_text(run).removeprefix(today)}" for run in runs}
    met = Counter(dated.values())
    return {run_id: name if met[name] == 1 else f"{name}, {run_id}" for run_id, name in dated.items()}


def _fact(key: str, value: object) -> str:
    return f"seed {value}" if key == "seed" else str(value)
