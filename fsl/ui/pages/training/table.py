"""A table of all runs, to choose those to compare."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from fsl.ui.pages.training.actions import MOST_SHOWN
from fsl.ui.pages.training.settings import SHOWN
from fsl.ui.shared import wording
from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.run_names import run_facts

if TYPE_CHECKING:
    from fsl.training.status import RunInfo


def show_table(runs: Sequence[RunInfo]) -> None:
    """Show all runs, including those started from a shell, latest first."""
    if not runs:
        return
    panel = st.expander(f"All runs ({len(runs):,})", key="all_runs", on_change="rerun")
    if not panel.open:
        return
    with panel:
        chosen: Any = st.dataframe(
            [run_facts(run) for run in runs],
            hide_index=True,
            key="runs_table",
            on_select="rerun",
            selection_mode="multi-row",
            column_config={
                "link": st.column_config.LinkColumn(display_text="open", help="To share or bookmark."),
                "test accuracy": st.column_config.TextColumn(help=wording.PLUS_MINUS),
            },
        )
        rows = [row for row in chosen.selection.rows if row < len(runs)]
        guarded_button(
            "Compare the selected runs",
            "compare_ticked",
            partial(SHOWN.put, [runs[row].id for row in rows][:MOST_SHOWN]),
            disabled=not rows,
            help=f"Up to {MOST_SHOWN} at once. Select them at the left of the table.",
        )
