"""The answers as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.fewshot.results import results_csv, results_json

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.support import SupportSet


def show_downloads(predictions: Sequence[Prediction], support: SupportSet) -> None:
    """A button per format; the file is made when the button is pressed."""
    st.download_button(
        "Table (CSV)",
        data=lambda: results_csv(predictions, support),
        file_name="answers.csv",
        mime="text/csv",
        key="download_csv",
        help="A row per picture: the answer, how sure, and every class's probability.",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Everything (JSON)",
        data=lambda: results_json(predictions, support),
        file_name="answers.json",
        mime="application/json",
        key="download_json",
        help="The same, with the similarity to every support picture.",
        on_click="ignore",
        width="stretch",
    )
