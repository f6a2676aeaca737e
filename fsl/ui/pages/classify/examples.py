"""Ready-made tasks in one click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.progress import Progress
from fsl.data.examples import FRUITS_CREDIT, ExampleTask, digits_task, fruits_task, rendered_task
from fsl.ui.shared.small_tasks import stored, workspace_of
from fsl.ui.shared.state import Session


@dataclass(frozen=True)
class Example:
    """One example.

    Attributes:
        key: of its button.
        label: of its button.
        icon: of its button.
        about: a sentence on what it is.
        build: makes or fetches the task; called with a seed and a progress function.
        credit: to be shown with the pictures.
    """

    key: str
    label: str
    icon: str
    about: str
    build: Callable[[int, Progress], ExampleTask]
    credit: str = ""


EXAMPLES = (
    Example(
        "example_drawn",
        "Drawn fruit",
        ":material/nutrition:",
        "Objects drawn by this program: five kinds, two of each.",
        lambda seed, progress: rendered_task(5, 2, 6, seed),
    ),
    Example(
        "example_digits",
        "Handwritten digits",
        ":material/draw:",
        "Real handwriting: five digits, two of each.",
        lambda seed, progress: digits_task(5, 2, 6, seed),
    ),
    Example(
        "example_fruits",
        "Photos of fruit",
        ":material/photo_library:",
        "Real photos from Fruits-360, downloaded once (about 1 MB).",
        lambda seed, progress: fruits_task(5, 2, 6, seed, progress=progress),
        FRUITS_CREDIT,
    ),
)


def show_examples(state: Session, place: str) -> None:
    """A button per example, each with its sentence.

    Args:
        state: the session.
        place: part of the buttons' keys, as they stand in two places.
    """
    for example in EXAMPLES:
        key = f"{example.key}_{place}"
        if st.button(example.label, key=key, icon=example.icon, help=example.about, width="stretch"):
            load_example(state, example)


def load_example(state: Session, example: Example) -> None:
    """Put an example in place of what is there (which can be brought back), then run the page again."""
    bar = st.progress(0.0, f"Preparing: {example.label}")

    def progress(done: int, total: int) -> None:
        bar.progress(done / max(1, total), f"Fetching photos: {done} of {total}")

    try:
        task = example.build(state.examples, progress)
    except FslError as error:
        state.report(str(error))
        st.rerun()
    state.replace_all(workspace_of(stored(task), state.workspace.next_id))
    state.example = state.workspace
    state.examples += 1  # another click brings other pictures
    state.report(*([f"Photos: {example.credit}."] if example.credit else []))
    st.rerun()
