"""Ready-made examples, one click each."""

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
        key: key of its button.
        label: label of its button.
        icon: icon of its button.
        about: sentence that describes it.
        build: makes or downloads the task; called with a seed and a progress callback.
        credit: credit shown with the pictures, "" for none.
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
        "Drawn pictures: five kinds of fruit, two of each.",
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


def show_example_menu(state: Session) -> None:
    """Show a menu of the examples."""
    chosen = st.menu_button(
        "Try an example",
        EXAMPLES,
        key="examples_menu",
        icon=":material/lightbulb:",
        help="Your own pictures are put aside; you can bring them back.",
        format_func=lambda example: f"{example.icon} {example.label}",
    )
    if chosen is not None:
        load_example(state, chosen)


def load_example(state: Session, example: Example) -> None:
    """Replace the pictures by an example, with an undo, then run the page again."""
    bar = st.progress(0.0, f"Preparing: {example.label}")

    def progress(done: int, total: int) -> None:
        bar.progress(done / max(1, total), f"Downloading photos: {done} of {total}")

    try:
        task = example.build(state.examples, progress)
    except FslError as error:
        state.report(str(error))
        st.rerun()
    state.replace_all(workspace_of(stored(task), state.workspace.next_id))
    state.example = state.workspace
    state.examples += 1  # the next click brings other pictures
    state.report(*([f"Photos: {example.credit}."] if example.credit else []))
    st.rerun()
