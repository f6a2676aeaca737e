"""A grid of pictures: thumbnails to remove, answers to choose from, similarities to compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from fsl.base.text import similarity_text

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "few_shot_lab_pictures",
    html='<ul class="grid"></ul>',
    css=(_HERE / "pictures.css").read_text(encoding="utf-8"),
    js=(_HERE / "pictures.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Tile:
    """One picture of the grid. All text is shown letter for letter.

    Attributes:
        id: different for each tile.
        src: a ``data:`` URI.
        name: the file's name; alternative text and tooltip.
        title: a line under the picture, "" for none.
        note: a second, smaller line.
        bar: length of a bar under it, in [0, 1]; none for no bar.
        tone: "accent" for what agrees with the answer, "muted" for the rest, "warning" for unknown.
    """

    id: str
    src: str
    name: str
    title: str = ""
    note: str = ""
    bar: float | None = None
    tone: Literal["accent", "muted", "warning"] = "muted"


def with_similarity(tile: Tile, title: str, similarity: float, agrees: bool) -> Tile:
    """A tile with its similarity under it, as a number and as a bar.

    Args:
        tile: of a picture alone.
        title: the line above the number.
        similarity: in [0, 1].
        agrees: whether it goes with the answer.
    """
    tone: Literal["accent", "muted"] = "accent" if agrees else "muted"
    return replace(tile, title=title, note=similarity_text(similarity), bar=similarity, tone=tone)


@dataclass(frozen=True)
class Actions:
    """What can be done with the tiles; none = cannot.

    Attributes:
        remove: called with the tile's id.
        select: called with the tile's id.
        more: called when the tile for the pictures not shown is pressed.
    """

    remove: Callable[[str], None] | None = None
    select: Callable[[str], None] | None = None
    more: Callable[[], None] | None = None


_NO_ACTIONS = Actions()


def picture_grid(
    tiles: Sequence[Tile],
    key: str,
    label: str,
    size: Literal["small", "medium", "large", "pair"] = "small",
    actions: Actions = _NO_ACTIONS,
    selected: str = "",
    hidden: int = 0,
) -> None:
    """Show pictures.

    Args:
        tiles: in order.
        key: of the widget.
        label: what the pictures are, for screen readers.
        size: of a tile; "pair" shows two large ones side by side, on a phone too.
        actions: what can be done.
        selected: id of the chosen tile.
        hidden: how many more pictures there are that are not among ``tiles``.
    """
    data = {
        "tiles": [vars(tile) for tile in tiles],
        "label": label,
        "size": size,
        "removable": actions.remove is not None,
        "selectable": actions.select is not None,
        "selected": selected,
        "hidden": hidden,
    }
    _component(
        key=key,
        data=data,
        on_remove_change=partial(_pass_on, key, "remove", actions.remove),
        on_select_change=partial(_pass_on, key, "select", actions.select),
        on_more_change=partial(_more, actions.more),
    )


def _pass_on(key: str, trigger: str, action: Callable[[str], None] | None) -> None:
    state: Any = st.session_state.get(key, {})
    value = state.get(trigger)
    if action is not None and isinstance(value, str):
        action(value)


def _more(action: Callable[[], None] | None) -> None:
    if action is not None:
        action()
