"""Downloads of the answers and of the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from fsl.fewshot.results import FinalLabel, results_csv, results_json
from fsl.fewshot.sort import plan_sort, stream_sorted_zip
from fsl.ui.components.download_link import OfferedFile, download_link
from fsl.ui.pages.classify.work_list import work_answers
from fsl.ui.shared import core
from fsl.ui.shared.downloads import Download, download_buttons
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.resources import COMPUTE
from fsl.ui.shared.state import Session
from fsl.ui.shared.workspace import ClassCard, Workspace

if TYPE_CHECKING:
    from fsl.fewshot.classify import Prediction
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint


def show_downloads(
    state: Session, predictions: Sequence[Prediction], support: SupportSet, checkpoint: Checkpoint
) -> None:
    """Show a button for each format; a file is made when its button is pressed, with the corrections of then.

    Args:
        state: state of the session.
        predictions: the network's answers.
        support: the classes they were found with.
        checkpoint: the network.
    """
    drawn = state.workspace

    def labels() -> list[FinalLabel]:
        answers = work_answers(as_answered(drawn, state.workspace), predictions)
        return [FinalLabel(one.label, one.is_given) for one in answers]

    def photos() -> Iterator[bytes]:
        return _sorted(drawn.classes, drawn.queries, labels())

    download_link(
        "Sorted photos (zip)",
        OfferedFile("sorted-photos.zip", "application/zip", photos),
        "download_sorted",
        "Your photos, unchanged, in a folder per class and one for unknown.",
    )
    download_buttons((*_tables(predictions, support, labels), _network_file(checkpoint)), "stretch")
    if not _can_export():
        st.caption("ONNX needs one more package on the server: pip install onnx.")


def as_answered(drawn: Workspace, latest: Workspace) -> Workspace:
    """Return the pictures that were answered, with the latest corrections.

    Args:
        drawn: what the answers that the page shows are about.
        latest: what it has become. If its classes are others, the answers do not fit them, and what was drawn
            is returned.
    """
    same = [(card.id, card.name) for card in drawn.classes] == [(one.id, one.name) for one in latest.classes]
    return replace(latest, queries=drawn.queries) if same else drawn


def _tables(
    predictions: Sequence[Prediction], support: SupportSet, labels: Callable[[], list[FinalLabel]]
) -> tuple[Download, Download]:
    return (
        Download(
            "Table (CSV)",
            lambda: results_csv(predictions, support, labels()),
            "answers.csv",
            "download_csv",
            "One row per picture: the answer, its probability, what you said, and the probability of each "
            "class.",
        ),
        Download(
            "Everything (JSON)",
            lambda: results_json(predictions, support, labels()),
            "answers.json",
            "download_json",
            "The same, and the similarity to each of your pictures.",
        ),
    )


def _sorted(
    classes: Sequence[ClassCard], queries: Sequence[StoredPicture], labels: Sequence[FinalLabel]
) -> Iterator[bytes]:
    class_names = dict.fromkeys(card.name for card in classes)
    plan = plan_sort([query.name for query in queries], [label.name for label in labels], [*class_names])
    return stream_sorted_zip(plan, (query.data for query in queries))


def _can_export() -> bool:
    return all(importlib.util.find_spec(package) for package in ("onnx", "onnxruntime"))


def _network_file(checkpoint: Checkpoint) -> Download:
    return Download(
        "The network (ONNX)",
        lambda: _onnx(checkpoint),
        f"{checkpoint.info.name.replace(':', '-')}.onnx",
        "download_onnx",
        "To use the network in your own programs; see examples/classify_onnx.py. Making and checking the "
        "file takes some seconds.",
        _can_export(),
    )


def _onnx(checkpoint: Checkpoint) -> bytes:
    with COMPUTE:
        return core.export_onnx(checkpoint).data
