"""A map of many pictures: hover, choose, select a group, zoom, turn, switch classes on and off.

A canvas of our own rather than Plotly: its bundle would be 4.8 MB for every visitor, it has no pictures as
marks, and Streamlit mounts it anew at each change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

TO_CLASSIFY = "To classify"
"""What a picture without a class is called on a map."""
_HERE = Path(__file__).parent / "scatter_parts"
# Together they are one module; a component takes its script as one text.
SCRIPTS = ("symbols.js", "view.js", "paint.js", "pointer.js", "motion.js", "scatter.js")
SCRIPT = "\n".join((_HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
STYLE = (_HERE / "scatter.css").read_text(encoding="utf-8")
_map = st.components.v2.component("few_shot_lab_map", html='<div class="map"></div>', css=STYLE, js=SCRIPT)
_sheet = st.components.v2.component(
    "few_shot_lab_sheet", html="<span></span>", js=(_HERE / "sheet.js").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Sheet:
    """The pictures of a map in one image.

    Attributes:
        key: of their contents; a map names it.
        src: a ``data:`` URI.
        tile: side of one picture in it, in pixels.
        columns: pictures in a row of it.
    """

    key: str
    src: str
    tile: int
    columns: int


@dataclass(frozen=True, eq=False)
class MapPoints:
    """What a map shows. All text is shown letter for letter.

    Attributes:
        collection: the same for maps of the same images, which then glide from one to the other.
        layout: the same for the same coordinates.
        dims: 2 or 3.
        xyz: n * dims coordinates, about -1 to 1, image by image.
        labels: n positions in ``classes``, -1 for a picture without a class.
        classes: names.
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
    """What a map stresses.

    Attributes:
        selected: the chosen image, -1 for none.
        neighbours: images that lines lead to from there.
        bright: the images that are not faint; none for all.
        links: pairs of images with a dashed line between them.
    """

    selected: int = -1
    neighbours: tuple[int, ...] = ()
    bright: tuple[int, ...] | None = None
    links: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False)
class Motion:
    """The places of a map's images at moments of a training, shown as a player says.

    Attributes:
        player: key of the :func:`fsl.ui.components.player.player` that it follows.
        steps: of the moments, rising.
        frames: n * dims coordinates of each; between two of them the images move evenly.
        captions: a line of text for each.
    """

    player: str
    steps: Sequence[int]
    frames: Sequence[Sequence[float]]
    captions: Sequence[str]


_PLAIN = Emphasis()


def picture_sheet(sheet: Sheet, key: str) -> None:
    """Send the pictures of maps, once for all maps of the page; it shows nothing itself."""
    _sheet(key=key, data={"key": sheet.key, "src": sheet.src}, height=1)


def scatter_map(
    points: MapPoints,
    sheet: Sheet | None,
    key: str,
    label: str,
    emphasis: Emphasis = _PLAIN,
    on_select: Callable[[int], None] | None = None,
    on_group: Callable[[tuple[int, ...]], None] | None = None,
    height: int = 560,
    compact: bool = False,
    motion: Motion | None = None,
) -> None:
    """Show a map.

    Args:
        points: what lies where.
        sheet: their pictures, in the same order, sent by :func:`picture_sheet`; none for symbols alone.
        key: of the widget.
        label: what it shows, for screen readers.
        emphasis: what is stressed.
        on_select: called with the clicked image, -1 for a click beside all.
        on_group: called with the images inside a box or a lasso; without it there are no such tools.
        height: of the map itself, in pixels.
        compact: without tools and legend.
        motion: how the images move; none where they stay.
    """
    _map(
        key=key,
        data=map_data(points, sheet, label, emphasis, height, compact, on_group is not None, motion),
        on_select_change=partial(_pass_select, key, on_select),
        on_group_change=partial(_pass_group, key, on_group, len(points.names)),
    )


def map_data(
    points: MapPoints,
    sheet: Sheet | None,
    label: str,
    emphasis: Emphasis = _PLAIN,
    height: int = 560,
    compact: bool = False,
    groups: bool = False,
    motion: Motion | None = None,
) -> dict[str, Any]:
    """What the script is sent; as :func:`scatter_map`, ``groups`` for whether a group can be selected."""
    return {
        **vars(points),
        **vars(emphasis),
        "sheet": sheet.key if sheet else "",
        "tile": sheet.tile if sheet else 0,
        "columns": sheet.columns if sheet else 1,
        "no_class": TO_CLASSIFY,
        "label": label,
        "height": height,
        "compact": compact,
        "groups": groups,
        "motion": vars(motion) if motion else None,
    }


def _value(key: str, trigger: str) -> Any:
    state: Any = st.session_state.get(key, {})
    return state.get(trigger)


def _pass_select(key: str, action: Callable[[int], None] | None) -> None:
    value = _value(key, "select")
    if action is not None and isinstance(value, int):
        action(value)


def _pass_group(key: str, action: Callable[[tuple[int, ...]], None] | None, n: int) -> None:
    value = _value(key, "group")
    if action is not None and isinstance(value, list):
        action(tuple(i for i in value if isinstance(i, int) and 0 <= i < n))
