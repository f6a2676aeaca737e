"""The pictures of a class or of the queries as a grid that stays quick with thousands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fsl.ui.components.pictures import Actions, Tile, picture_grid
from fsl.ui.pages.classify.drops import Target, place_of
from fsl.ui.shared.guard import guarded_callback
from fsl.ui.shared.pictures import StoredPicture
from fsl.ui.shared.state import Session

FIRST_SHOWN = {True: 60, False: 7}
"""Tiles shown at first, of the queries and of a class."""
_MORE = 120


def shown_number(state: Session, target: Target) -> int:
    """How many pictures of that place are to be shown."""
    return state.shown.get(place_of(target), FIRST_SHOWN[target is None])


def remover(state: Session, target: Target) -> Callable[[str], None]:
    """A callback that removes one picture by its digest."""

    def remove(digest: str) -> None:
        state.change(state.workspace.without_picture(target, digest))

    return guarded_callback(remove)


def show_more(state: Session, target: Target) -> Callable[[], None]:
    """A callback that shows more pictures of that place."""

    def more() -> None:
        state.shown[place_of(target)] = shown_number(state, target) + _MORE

    return guarded_callback(more)


def show_thumbnails(state: Session, target: Target, pictures: Sequence[StoredPicture], label: str) -> None:
    """Plain thumbnails, each removable.

    Args:
        state: the session.
        target: whose pictures they are.
        pictures: all of them.
        label: for screen readers.
    """
    first = pictures[: shown_number(state, target)]
    picture_grid(
        [Tile(p.digest, p.thumbnail, p.name) for p in first],
        key=f"thumbnails_{place_of(target)}",
        label=label,
        actions=Actions(remove=remover(state, target), more=show_more(state, target)),
        hidden=len(pictures) - len(first),
    )
