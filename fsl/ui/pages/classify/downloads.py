"""Downloads of the answers and of the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from fsl.fewshot.results import results_csv, results_json
from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint


def show_downloads(predictions: Sequence[Prediction], support: SupportSet, checkpoint: Checkpoint) -> None:
    """Show a button for each format; a file is made when its button is pressed."""
    st.download_button(
        "Table (CSV)",
        data=lambda: results_csv(predictions, support),
        file_name="answers.csv",
        mime="text/csv",
        key="download_csv",
        help="One row per picture: the answer, its probability, and the probability of each class.",
        on_click="ignore",
        width="stretch",
    )
    st.download_button(
        "Everything (JSON)",
        data=lambda: results_json(predictions, support),
        file_name="answers.json",
        mime="application/json",
        key="download_json",
        help="The same, and the similarity to each of your pictures.",
        on_click="ignore",
        width="stretch",
    )
    can_export = all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime"))
    st.download_button(
        "The network (ONNX)",
        data=lambda: _onnx(checkpoint),
        file_name=f"{checkpoint.info.name.replace(':', '-')}.onnx",
        mime="application/octet-stream",
        key="download_onnx",
        help="To use the network in your own programs; see examples/classify_onnx.py. Making and checking "
        "the file takes some seconds.",
        on_click="ignore",
        width="stretch",
        disabled=not can_export,
    )
    if not can_export:
        st.caption("ONNX needs two more packages on the server: pip install onnx onnxruntime.")


def _onnx(checkpoint: Checkpoint) -> bytes:
    with COMPUTE:
        return core.export_onnx(checkpoint).data
