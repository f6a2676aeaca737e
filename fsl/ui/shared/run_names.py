"""What pages say of a training run, and names that tell the runs on one page apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fsl.base.text import margin_text
from fsl.training.run_folder import public_name
from fsl.ui.shared.run_labels import BACKBONES, LOSSES, PAIRINGS, learning_rate_text

if TYPE_CHECKING:
    from fsl.training.status import RunInfo

_DISTINGUISHING = ("pictures", "network", "loss function", "pairs", "seed")


def distinct_names(runs: Sequence[RunInfo]) -> Mapping[str, str]:
    """Name runs so that all names differ: by their settings if needed, by their public name as a last resort.

    Args:
        runs: the runs shown together.

    Returns:
        names by run id.
    """
    rows = {run.id: run_facts(run) for run in runs}
    found = {}
    for run in runs:
        namesakes = [rows[other.id] for other in runs if other.name == run.name]
        own = rows[run.id]
        facts = [key for key in _DISTINGUISHING if any(row[key] != own[key] for row in namesakes)]
        is_distinct = sum(all(row[key] == own[key] for key in facts) for row in namesakes) == 1
        details = ", ".join(_fact(key, own[key]) for key in facts) if is_distinct else public_name(run.id)
        found[run.id] = run.name if len(namesakes) == 1 else f"{run.name} ({details})"
    return found


def dated_names(runs: Sequence[RunInfo]) -> Mapping[str, str]:
    """Name runs by name and start time, plus a public name if two would be the same; today's have no date.

    Returns:
        names by run id, all different.
    """
    today = f"{datetime.now():%Y-%m-%d} "
    dated = {run.id: f"{run.name}, {_start_text(run).removeprefix(today)}" for run in runs}
    counts = Counter(dated.values())
    return {
        run_id: name if counts[name] == 1 else f"{name}, {public_name(run_id)}"
        for run_id, name in dated.items()
    }


def _fact(key: str, value: object) -> str:
    return f"seed {value}" if key == "seed" else str(value)


def run_facts(run: RunInfo) -> dict[str, str | int | float | None]:
    """Return a row of the table of runs: value by column."""
    test = run.evaluation
    return {
        "run": run.name,
        "rate": learning_rate_text(run.config.learning_rate) if run.config else "",
        "verdict": run.verdict.kind if run.verdict else "",
        "test accuracy": f"{test.accuracy:.1%}{margin_text(test.ci95)}" if test else "",
        "test task": f"{test.n_way}-way {test.n_shot}-shot" if test else "",
        "link": f"?run={run.id}",
        "loss": round(run.step.loss, 4) if run.step else None,
        "batches": run.steps_done,
        "status": run.status,
        "pictures": str(run.about.get("data", "")),
        "network": str(run.about.get("start") or _architecture(run)),
        "loss function": _short(LOSSES[run.config.loss]) if run.config else "",
        "pairs": _short(PAIRINGS[run.config.pairing]) if run.config else "",
        "seed": run.config.seed if run.config else None,
        "started": _start_text(run),
    }


def _start_text(run: RunInfo) -> str:
    """Return when the run began, in the server's time zone: "2026-01-31 12:00"."""
    return f"{datetime.fromtimestamp(run.created):%Y-%m-%d %H:%M}"


def _architecture(run: RunInfo) -> str:
    if run.model is None:
        return ""
    return _short(BACKBONES.get(run.model.backbone, run.model.backbone))


def _short(choice: str) -> str:
    """Return a choice of the form without its explanation in brackets."""
    return choice.partition(" (")[0]
