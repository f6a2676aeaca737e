"""Charts of embedding maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from fsl.charts.style import ACCENT, label

if TYPE_CHECKING:
    from fsl.base.types import Float32Array

CLASS_COLOURS = (
    "#2f7fd1", "#dd7a00", ACCENT, "#c9447a", "#8763d0",
    "#a89400", "#d6452e", "#17a0b3", "#8d6b4c", "#6d7f8d",
)  # fmt: skip
"""Used in turn. Each class has a colour and a symbol, so that either one alone identifies it."""
CLASS_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "x")
"""Seven: coprime with the number of colours, so that 70 classes have different looks."""
_SYMBOLS_3D = ("circle", "square", "circle-open", "diamond", "cross", "diamond-open", "x")


def map_figure(points: Float32Array, classes: Sequence[str], names: Sequence[str], title: str) -> go.Figure:
    """Draw a map of images with one trace per class.

    Args:
        points: ``(n, 2)`` or ``(n, 3)``.
        classes: n class names.
        names: n file names, shown at the pointer.
        title: above the figure.
    """
    is_3d = points.shape[1] == 3
    figure = go.Figure()
    for slot, name in enumerate(dict.fromkeys(classes)):
        rows = [row for row, other in enumerate(classes) if other == name]
        symbols = _SYMBOLS_3D if is_3d else CLASS_SYMBOLS
        marker = {
            "color": CLASS_COLOURS[slot % len(CLASS_COLOURS)],
            "symbol": symbols[slot % len(symbols)],
            "size": 4 if is_3d else 8,
        }
        axes = dict(zip("xyz", points[rows].T.tolist(), strict=False))
        scatter = go.Scatter3d if is_3d else go.Scattergl
        figure.add_trace(
            scatter(
                **axes,
                mode="markers",
                name=label(name),
                marker=marker,
                text=[f"{label(name)}<br>{label(names[row])}" for row in rows],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    figure.update_layout(title=label(title), legend={"itemsizing": "constant"}, template="plotly_white")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def map_html(points: Float32Array, classes: Sequence[str], names: Sequence[str], title: str) -> str:
    """Return :func:`map_figure` as a self-contained web page of about 5 MB."""
    page: str = map_figure(points, classes, names, title).to_html(include_plotlyjs=True, full_html=True)
    return page
