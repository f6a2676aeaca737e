"""A grid of the pictures of a class or of the queries, quick with thousands of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.classify.drop_steps import Target
from fsl.ui.pages.classify.drops import place_of
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session

FIRST_SHOWN = {True: 60, False: 7}
"""Number of tiles shown at first: for the queries (True) and for a class (False)."""
_MORE = 120


def show_thumbnails(state: Session, target: Target, pictures: Sequence[StoredPicture], label: str) -> None:
    """Show thumbnails, each with a button to remove it.

    Args:
        state: state of the session.
        target: id of the class that the pictures belong to, None for the queries.
        pictures: all pictures of that class, or all queries.
        label: label for screen readers.
    """
    place = place_of(target)
    first = pictures[: state.shown.get(place, FIRST_SHOWN[target is None])]

    def more() -> None:
        state.shown[place] = len(first) + _MORE

    remove = partial(remove_picture, state, target)
    picture_grid(
        [Tile(p.digest, p.thumbnail, p.name) for p in first],
        key=f"thumbnails_{place}",
        label=label,
        actions=Actions(remove=guarded_callback(remove), more=guarded_callback(more)),
        hidden=len(pictures) - len(first),
    )


def remove_picture(state: Session, target: Target, digest: str) -> None:
    """Remove a picture of a class, or a query if ``target`` is None; this can be undone."""
    pictures = state.workspace.pictures(target)
    name = next((picture.name for picture in pictures if picture.digest == digest), "")
    if name:
        state.change(state.workspace.without_picture(target, digest), undo=name)
