"""What could not be done and which files could not be used, the same on every page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fsl.base.text import count
from fsl.data.intake.listing import NO_PICTURES, Problem
from fsl.ui.shared.escape import markdown

_SHOWN = 8
_HEIGHT = 300  # pixels, for a longer list


def show_fault(why: str) -> None:
    """Show why something failed; nothing if ``why`` is empty."""
    if why:
        st.error(markdown(why), icon=":material/error:")


def show_problems(problems: Sequence[Problem]) -> None:
    """Show each file with its reason, the first few at once and the others on request."""
    if not problems:
        return
    lines = [f"- {markdown(problem.name)}: {markdown(problem.reason)}" for problem in problems]
    empty = sum(problem.reason == NO_PICTURES for problem in problems)
    files = len(problems) - empty
    kinds = [count(files, "file")] * (files > 0) + [count(empty, "empty folder")] * (empty > 0)
    heading = f"{' and '.join(kinds)} could not be used; everything else was kept."
    with st.container(gap="xsmall"):
        st.warning("\n".join([heading, "", *lines[:_SHOWN]]), icon=":material/warning:")
        if others := lines[_SHOWN:]:
            with st.expander(f"{len(others):,} more"), st.container(height=_HEIGHT, border=False):
                st.markdown("\n".join(others))
