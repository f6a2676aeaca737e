"""Plain data to plotly figures. Imports no torch and no Streamlit."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ACCENT = "#10936f"
MUTED = "rgba(128, 138, 150, 0.45)"
CLASS_COLOURS = (
    "#2f7fd1", "#dd7a00", "#149a6b", "#c9447a", "#8763d0",
    "#a89400", "#d6452e", "#17a0b3", "#8d6b4c", "#6d7f8d",
)  # fmt: skip
"""Of a map's classes, in turn; a class has a colour and a symbol, and either one tells it."""
CLASS_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "x")
_SYMBOLS_IN_SPACE = ("circle", "square", "diamond", "cross", "x")  # plotly has no others there
_ROW_PIXELS = 30
_MAX_NAME = 28


def label(text: str) -> str:
    """``text`` so that plotly, which reads HTML in labels, shows it letter for letter."""
    return html.escape("".join(c if c.isprintable() else " " for c in text), quote=False)


def percent(value: float) -> str:
    """A probability without false precision: "92%", "under 1%", "over 99%"; never quite sure.

    Args:
        value: in [0, 1].
    """
    if value < 0.005:
        return "under 1%"
    return "over 99%" if value >= 0.995 else f"{value:.0%}"


def class_bars(probabilities: Mapping[str, float], chosen: str | None) -> go.Figure:
    """A bar per class, the most probable on top.

    Args:
        probabilities: by class name, each in [0, 1].
        chosen: the class that is the answer, drawn in the accent colour; none for "unknown".
    """
    ordered = sorted(probabilities.items(), key=lambda item: item[1])
    # Positions rather than names on the axis: two long names that are cut alike must stay two bars.
    figure = go.Figure(
        go.Bar(
            x=[p for _, p in ordered],
            y=list(range(len(ordered))),
            orientation="h",
            marker={"color": [ACCENT if name == chosen else MUTED for name, _ in ordered], "cornerradius": 4},
            text=[percent(p) for _, p in ordered],
            textposition="outside",
            cliponaxis=False,
            customdata=[label(name) for name, _ in ordered],
            hovertemplate="%{customdata}: %{x:.2%}<extra></extra>",
        )
    )
    figure.update_layout(
        height=_ROW_PIXELS * len(ordered) + 12,
        margin={"l": 0, "r": 64, "t": 4, "b": 8},
        bargap=0.35,
        showlegend=False,
        dragmode=False,
    )
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(ordered))),
        ticktext=[label(_cut(name)) + "  " for name, _ in ordered],
        automargin=True,
        showgrid=False,
        fixedrange=True,
    )
    return figure


def map_figure(
    points: NDArray[np.float32], classes: Sequence[str], names: Sequence[str], title: str
) -> go.Figure:
    """A map of images, a trace per class, each with a colour and a symbol of its own.

    Args:
        points: ``(n, 2 or 3)``.
        classes: n class names.
        names: n file names, shown at the pointer.
        title: above the figure.
    """
    in_space = points.shape[1] == 3
    figure = go.Figure()
    for slot, name in enumerate(dict.fromkeys(classes)):
        rows = [row for row, other in enumerate(classes) if other == name]
        symbols = _SYMBOLS_IN_SPACE if in_space else CLASS_SYMBOLS
        marker = {
            "color": CLASS_COLOURS[slot % len(CLASS_COLOURS)],
            "symbol": symbols[slot % len(symbols)],
            "size": 4 if in_space else 8,
        }
        axes = dict(zip("xyz", points[rows].T.tolist(), strict=False))
        kind = go.Scatter3d if in_space else go.Scattergl
        figure.add_trace(
            kind(
                **axes,
                mode="markers",
                name=label(name),
                marker=marker,
                text=[label(names[row]) for row in rows],
                hovertemplate=f"{label(name)}<br>%{{text}}<extra></extra>",
            )
        )
    figure.update_layout(title=label(title), legend={"itemsizing": "constant"}, template="plotly_white")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def map_html(points: NDArray[np.float32], classes: Sequence[str], names: Sequence[str], title: str) -> str:
    """:func:`map_figure` as a page that needs no other file and no internet (about 5 MB)."""
    page: str = map_figure(points, classes, names, title).to_html(include_plotlyjs=True, full_html=True)
    return page


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"
