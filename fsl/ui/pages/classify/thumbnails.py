"""A grid of the pictures of a class or of the queries, quick with thousands of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.classify.drop_steps import Target
from fsl.ui.pages.classify.drops import place_of
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session

FIRST_SHOWN = {True: 60, False: 7}
"""Number of tiles shown at first: for the queries (True) and for a class (False)."""
_MORE = 120


def shown_number(state: Session, target: Target) -> int:
    """Return how many pictures of a class or of the queries are shown."""
    return state.shown.get(place_of(target), FIRST_SHOWN[target is None])


def remover(state: Session, target: Target) -> Callable[[str], None]:
    """Return a callback that removes a picture by its digest."""

    def remove(digest: str) -> None:
        pictures = state.workspace.pictures(target)
        name = next((picture.name for picture in pictures if picture.digest == digest), "")
        if name:
            state.change(state.workspace.without_picture(target, digest), undo=name)

    return guarded_callback(remove)


def show_more(state: Session, target: Target) -> Callable[[], None]:
    """Return a callback that shows more pictures."""

    def more() -> None:
        state.shown[place_of(target)] = shown_number(state, target) + _MORE

    return guarded_callback(more)


def show_thumbnails(state: Session, target: Target, pictures: Sequence[StoredPicture], label: str) -> None:
    """Show thumbnails, each with a button to remove it.

    Args:
        state: state of the session.
        target: id of the class that the pictures belong to, None for the queries.
        pictures: all pictures of that class, or all queries.
        label: label for screen readers.
    """
    first = pictures[: shown_number(state, target)]
    picture_grid(
        [Tile(p.digest, p.thumbnail, p.name) for p in first],
        key=f"thumbnails_{place_of(target)}",
        label=label,
        actions=Actions(remove=remover(state, target), more=show_more(state, target)),
        hidden=len(pictures) - len(first),
    )
