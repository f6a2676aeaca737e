"""A grid of pictures, which can have titles and bars, and be selected or removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Literal

from fsl.base.text import distinct_texts, similarity_text
from fsl.ui.components.declare import declare, sent
from fsl.ui.components.media import media_url
from fsl.ui.components.undivided import undivided

_component = declare(
    "pictures", '<ul class="grid"></ul>', "make.js", "pictures.js", "tiles.css", "pictures.css"
)


@dataclass(frozen=True)
class Marks:
    """Boxes drawn over a picture, which is then shown whole.

    Attributes:
        width, height: of the picture in pixels; any size with the same sides' ratio.
        boxes: left, top, right and bottom of each box in those pixels.
        chosen: the box drawn in the accent colour; -1 for none.
    """

    width: int
    height: int
    boxes: tuple[tuple[float, float, float, float], ...]
    chosen: int = -1


@dataclass(frozen=True)
class Tile:
    """One picture of the grid; all text is shown as plain text.

    Attributes:
        id: identifier, unique in the grid.
        src: the picture, a ``data:`` URI or an address.
        name: name of the file; alternative text and tooltip.
        title: a line below the picture, "" for none.
        note: one or more smaller lines, "" for none.
        exact: the note in full, for the tooltip; "" if the note is all.
        bar: length of a bar below it, in [0, 1]; None for no bar.
        tone: "accent" if it agrees with the answer, "warning" for unknown, else "muted".
        marks: boxes over the picture; None for a picture without, which may be cropped to a square.
    """

    id: str
    src: str
    name: str
    title: str = ""
    note: str = ""
    exact: str = ""
    bar: float | None = None
    tone: Literal["accent", "muted", "warning"] = "muted"
    marks: Marks | None = None


def with_similarity(
    tile: Tile, title: str, similarity: float, agrees: bool, limit: float | None = None
) -> Tile:
    """Return the tile with a similarity below it, as a number and a bar; the tooltip has the full value.

    Args:
        tile: the tile.
        title: the line above the number.
        similarity: similarity in [0, 1].
        agrees: whether the tile agrees with the answer.
        limit: the limit in [0, 1] that the number must not be mistaken for; None if there is none.
    """
    note = similarity_text(similarity) if limit is None else distinct_texts(similarity, limit)[0]
    exact = f"similarity {similarity:.9g}"
    tone: Literal["accent", "muted"] = "accent" if agrees else "muted"
    return replace(tile, title=title, note=note, exact=exact, bar=similarity, tone=tone)


@dataclass(frozen=True)
class Actions:
    """Callbacks of a grid; None if the action is not offered.

    Attributes:
        remove: called with the id of the tile to remove.
        select: called with the id of the selected tile.
        more: called to show more of the hidden pictures.
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
        tiles: the pictures in order.
        key: key of the widget.
        label: description for screen readers.
        size: size of a tile; "pair" shows two large tiles side by side, even on a phone.
        actions: callbacks.
        selected: id of the selected tile, "" for none.
        hidden: number of further pictures that are not shown.
    """
    data = {
        "tiles": [asdict(replace(tile, src=media_url(tile.src))) for tile in tiles],
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


@undivided()
def _pass_on(key: str, trigger: str, action: Callable[[str], None] | None) -> None:
    value = sent(key, trigger)
    if action is not None and isinstance(value, str):
        action(value)


def _more(action: Callable[[], None] | None) -> None:
    if action is not None:
        action()
