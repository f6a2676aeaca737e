"""Small N-way K-shot tasks of built-in pictures, for the Learn and home pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from fsl.data.examples import ExampleTask, digits_task, rendered_task
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.workspace import Workspace

Kind = Literal["drawn", "digits"]
KIND_TITLES: dict[Kind, str] = {"drawn": "Drawn fruit", "digits": "Handwritten digits"}
MOST_WAYS: dict[Kind, int] = {"drawn": 12, "digits": 10}


@dataclass(frozen=True, eq=False)
class SmallTask:
    """An N-way K-shot task.

    Attributes:
        classes: examples by class name.
        queries: pictures to classify.
        answers: true class of each query.
    """

    classes: dict[str, tuple[StoredPicture, ...]]
    queries: tuple[StoredPicture, ...]
    answers: tuple[str, ...]

    @property
    def labelled(self) -> tuple[tuple[str, StoredPicture], ...]:
        """Class name and picture of each example."""
        return tuple((name, picture) for name, pictures in self.classes.items() for picture in pictures)


@st.cache_resource(max_entries=20, show_spinner=False)
def small_task(kind: Kind, n_way: int, n_shot: int, n_query: int, seed: int) -> SmallTask:
    """Draw a task; the same arguments give the same task.

    Args:
        kind: kind of pictures.
        n_way: number of classes, 2 to ``MOST_WAYS``.
        n_shot: examples per class.
        n_query: queries in total.
        seed: seed of the draw.
    """
    make = rendered_task if kind == "drawn" else digits_task
    return stored(make(n_way, n_shot, n_query, seed))


def stored(task: ExampleTask) -> SmallTask:
    """Decode the files of a task."""
    classes = {
        name: tuple(StoredPicture.from_bytes(data, file) for file, data in files)
        for name, files in task.classes.items()
    }
    queries = tuple(StoredPicture.from_bytes(data, file) for file, data in task.queries)
    return SmallTask(classes, queries, task.answers)


def workspace_of(task: SmallTask, next_id: int = 0) -> Workspace:
    """Return the task as a workspace of the Classify page.

    Args:
        task: the task.
        next_id: id of its first class.
    """
    workspace = Workspace((), next_id=next_id)
    for name, pictures in task.classes.items():
        workspace = workspace.with_class(name, pictures)
    return workspace.with_pictures(None, task.queries)[0]
