"""Every run so far in one table, to be compared and chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.ui.pages.training.actions import MOST_SHOWN
from fsl.ui.pages.training.labels import BACKBONES, LOSSES, PAIRINGS, learning_rate_text
from fsl.ui.pages.training.values import values
from fsl.ui.shared import wording
from fsl.ui.shared.guard import guarded_callback

if TYPE_CHECKING:
    from fsl.training.status import RunInfo


def show_table(runs: Sequence[RunInfo]) -> None:
    """The runs in the runs folder, those started from a shell included; the latest first."""
    if not runs:
        return
    panel = st.expander(f"All runs ({len(runs):,})", key="all_runs", on_change="rerun")
    if not panel.open:
        return
    with panel:
        chosen: Any = st.dataframe(
            [row_of(run) for run in runs],
            hide_index=True,
            key="runs_table",
            on_select="rerun",
            selection_mode="multi-row",
            column_config={
                "link": st.column_config.LinkColumn(display_text="open", help="To share or bookmark."),
                "test": st.column_config.TextColumn(help=f"Share of right answers; {wording.PLUS_MINUS}"),
            },
        )
        rows = [row for row in chosen.selection.rows if row < len(runs)]
        st.button(
            "Compare the ticked runs",
            key="compare_ticked",
            disabled=not rows,
            on_click=guarded_callback(_compare),
            args=([runs[row].id for row in rows][:MOST_SHOWN],),
            help=f"Up to {MOST_SHOWN} at once; tick them at the left.",
        )


def _compare(run_ids: list[str]) -> None:
    values()["shown"] = run_ids


def row_of(run: RunInfo) -> dict[str, str | int | float | None]:
    """What the table says of a run, by column."""
    test = run.evaluation
    return {
        "run": run.name,
        "rate": learning_rate_text(run.config.learning_rate) if run.config else "",
        "verdict": run.verdict.kind if run.verdict else "",
        "test": f"{test.accuracy:.1%} ± {test.ci95:.1%}" if test else "",
        "kind of test": f"{test.n_way}-way {test.n_shot}-shot" if test else "",
        "link": f"?run={run.id}",
        "loss": round(run.step.loss, 4) if run.step else None,
        "batches": run.steps_done,
        "status": run.status,
        "pictures": str(run.about.get("data", "")),
        "network": str(run.about.get("start") or _architecture(run)),
        "loss used": _short(LOSSES[run.config.loss]) if run.config else "",
        "pairs": _short(PAIRINGS[run.config.pairing]) if run.config else "",
        "seed": run.config.seed if run.config else None,
        "begun": begun_text(run),
    }


def begun_text(run: RunInfo) -> str:
    """When it began, by the clock of where the app runs: "2026-01-31 12:00"."""
    return f"{datetime.fromtimestamp(run.created):%Y-%m-%d %H:%M}"


def _architecture(run: RunInfo) -> str:
    if run.model is None:
        return ""
    return _short(BACKBONES.get(run.model.backbone, run.model.backbone))


def _short(choice: str) -> str:
    """A choice of the form without what explains it there."""
    return choice.partition(" (")[0]
