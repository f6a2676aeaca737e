"""A map of many pictures: hover, select one or a group, zoom, rotate, show and hide classes.

It draws on a canvas of its own. Plotly would send each visitor a bundle of 4.8 MB, cannot draw pictures as
marks, and Streamlit remounts it at each change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fsl.ui.components.declare import declare, sent
from fsl.ui.components.media import media_url
from fsl.ui.components.undivided import undivided

TO_CLASSIFY = "To classify"
"""Name on a map of pictures without a class."""
_PARTS = ("symbols.js", "view.js", "paint.js", "pointer.js", "motion.js", "scatter.js", "scatter.css")
FILES = ("make.js", *(f"scatter_parts/{name}" for name in _PARTS))
"""Scripts and style sheet of a map; the scripts are one module."""
_map = declare("map", '<div class="map"></div>', *FILES)
_sheet = declare("sheet", "<span></span>", "scatter_parts/sheet.js")


@dataclass(frozen=True)
class Sheet:
    """All pictures of a map in one image.

    Attributes:
        key: identifies the pictures; maps refer to it.
        src: a ``data:`` URI.
        tile: side of one picture in pixels.
        columns: pictures in a row.
    """

    key: str
    src: str
    tile: int
    columns: int


@dataclass(frozen=True, eq=False)
class MapPoints:
    """The points of a map; all text is shown as plain text.

    Attributes:
        collection: identifies the pictures; between maps of the same pictures, points glide.
        layout: identifies the coordinates.
        dims: 2 or 3.
        xyz: n * dims coordinates in about [-1, 1], picture by picture.
        labels: n positions in ``classes``, -1 for a picture without a class.
        classes: class names.
        names: n file names.
    """

    collection: str
    layout: str
    dims: int
    xyz: Sequence[float]
    labels: Sequence[int]
    classes: Sequence[str]
    names: Sequence[str]


@dataclass(frozen=True)
class Emphasis:
    """What a map highlights.

    Attributes:
        selected: the selected picture, -1 for none.
        neighbours: pictures to connect with the selected one by lines.
        bright: pictures that are not faded; None for all.
        links: pairs of pictures to connect by a dashed line.
    """

    selected: int = -1
    neighbours: tuple[int, ...] = ()
    bright: tuple[int, ...] | None = None
    links: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Motion:
    """The places of a map's pictures at moments of a training run, played by a player.

    Attributes:
        player: key of the :func:`fsl.ui.components.player.player` to follow.
        steps: batch number of each moment, rising.
        frames: n * dims coordinates for each moment; in between, pictures move at constant speed.
        captions: one line of text for each moment.
    """

    player: str
    steps: Sequence[int]
    frames: Sequence[Sequence[float]]
    captions: Sequence[str]


@dataclass(frozen=True, eq=False)
class MapLook:
    """How a map is drawn.

    Attributes:
        emphasis: what is highlighted.
        height: height of the canvas in pixels.
        compact: whether to leave out the tools and the legend.
        motion: how the pictures move; None if they stay.
        axes: what each axis shows, "" or none for axes that mean nothing.
    """

    emphasis: Emphasis = Emphasis()
    height: int = 560
    compact: bool = False
    motion: Motion | None = None
    axes: tuple[str, ...] = ()


def picture_sheet(sheet: Sheet, key: str) -> None:
    """Send the pictures of maps to the browser, once for all maps of a page; nothing is displayed."""
    _sheet(key=key, data={"key": sheet.key, "src": media_url(sheet.src)}, height=1)


def scatter_map(
    points: MapPoints,
    sheet: Sheet | None,
    key: str,
    label: str,
    look: MapLook,
    on_select: Callable[[int], None] | None = None,
    on_group: Callable[[tuple[int, ...]], None] | None = None,
) -> None:
    """Show a map.

    Args:
        points: the points.
        sheet: their pictures in the same order, sent by :func:`picture_sheet`; None to draw symbols only.
        key: key of the widget.
        label: description for screen readers.
        look: how it is drawn.
        on_select: called with the clicked picture, -1 for a click beside all pictures.
        on_group: called with the pictures inside a box or a lasso; None to offer neither tool.
    """
    _map(
        key=key,
        data=map_data(points, sheet, label, look, on_group is not None),
        on_select_change=partial(_pass_select, key, on_select),
        on_group_change=partial(_pass_group, key, on_group, len(points.names)),
    )


def map_data(
    points: MapPoints, sheet: Sheet | None, label: str, look: MapLook, groups: bool
) -> dict[str, Any]:
    """Return what the browser's script gets; ``groups`` tells whether a group can be selected."""
    return {
        **vars(points),
        **vars(look.emphasis),
        "sheet": sheet.key if sheet else "",
        "tile": sheet.tile if sheet else 0,
        "columns": sheet.columns if sheet else 1,
        "no_class": TO_CLASSIFY,
        "label": label,
        "height": look.height,
        "compact": look.compact,
        "groups": groups,
        "axes": look.axes,
        "motion": vars(look.motion) if look.motion else None,
    }


@undivided()
def _pass_select(key: str, action: Callable[[int], None] | None) -> None:
    value = sent(key, "select")
    if action is not None and isinstance(value, int):
        action(value)


@undivided()
def _pass_group(key: str, action: Callable[[tuple[int, ...]], None] | None, n: int) -> None:
    value = sent(key, "group")
    if action is not None and isinstance(value, list):
        action(tuple(i for i in value if isinstance(i, int) and 0 <= i < n))
