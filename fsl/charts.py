"""Plain data to plotly figures. Imports no torch and no Streamlit."""

from __future__ import annotations

import html
from collections.abc import Mapping

import plotly.graph_objects as go

ACCENT = "#10936f"
MUTED = "rgba(128, 138, 150, 0.45)"
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


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"
