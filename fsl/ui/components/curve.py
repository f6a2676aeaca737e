"""Curves that grow while a run goes on: one canvas that stays, its zoom kept, the value at the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fsl.charts.style import ACCENT, AGAINST

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "few_shot_lab_curve",
    html='<div class="curve"></div>',
    css=(_HERE / "curve.css").read_text(encoding="utf-8"),
    js=(_HERE / "curve.js").read_text(encoding="utf-8"),
)
# Told apart by people who see no red or green, and by their dashes besides; readable on light and dark.
COLOURS = (ACCENT, AGAINST, "#7a5af5", "#c2417c", "#2f80c8", "#8a7a1f")


@dataclass(frozen=True, eq=False)
class Line:
    """One curve. Its name is shown letter for letter.

    Attributes:
        name: in the key.
        x: rising.
        raw: values as measured.
        smooth: the same, smoothed.
    """

    name: str
    x: Sequence[float]
    raw: Sequence[float]
    smooth: Sequence[float]


@dataclass(frozen=True)
class Level:
    """A value worth knowing: a horizontal line with a word on it."""

    y: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A place worth knowing: a vertical line with a word on it."""

    x: float
    text: str


def curves(
    lines: Sequence[Line],
    key: str,
    label: str,
    *,
    x_title: str = "batch",
    x_min: float = 0,
    x_max: float = 1,
    x_log: bool = False,
    y_range: tuple[float, float] | None = None,
    levels: Sequence[Level] = (),
    marks: Sequence[Mark] = (),
    smoothable: bool = True,
    height: int = 300,
    player: str = "",
    about: str = "",
) -> None:
    """Show curves; drag over them to look closer.

    Args:
        lines: the curves.
        key: of the widget.
        label: what they show, for screen readers.
        x_title: of the axis.
        x_min: where the axis begins.
        x_max: how far it reaches at least.
        x_log: whether x holds decimal logarithms, to be labelled with the values themselves.
        y_range: of the other axis; none to fit the curves.
        levels: values worth knowing.
        marks: places worth knowing.
        smoothable: whether to offer smoothing and a log scale.
        height: in pixels.
        player: key of the :func:`fsl.ui.components.player.player` whose moment is marked, and which a click
            sends there; "" for none.
        about: what the curves are of, such as the ids of runs; where it changes, the zoom is given up.
    """
    _component(
        key=key,
        data={
            "lines": [
                {
                    "name": line.name,
                    "x": list(line.x),
                    "raw": list(line.raw),
                    "smooth": list(line.smooth),
                    "colour": COLOURS[number % len(COLOURS)],
                    "y_last": f"{line.raw[-1]:.3g}" if len(line.raw) else "no value yet",
                }
                for number, line in enumerate(lines)
            ],
            "label": label,
            "x_title": x_title,
            "x_min": x_min,
            "x_max": x_max,
            "x_log": x_log,
            "y_range": y_range,
            "levels": [vars(level) for level in levels],
            "marks": [vars(mark) for mark in marks],
            "smoothable": smoothable,
            "height": height,
            "player": player,
            "about": about,
        },
    )
