"""Colours, text and layout that all charts share."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

ACCENT = "#0b7a5c"
"""The theme's accent colour (``.streamlit/config.toml``); readable on light and dark backgrounds."""
AGAINST = "#dd7a00"
PROBE = "#8264e0"
MUTED = "rgba(128, 138, 150, 0.45)"
STILL = {"displayModeBar": False}
"""For ``st.plotly_chart(config=...)``: hides plotly's toolbar."""

_MAX_NAME = 28


def label(text: str) -> str:
    """Escape ``text`` for plotly, which reads HTML in labels."""
    return html.escape("".join(c if c.isprintable() else " " for c in text), quote=False)


def shortened(name: str, most: int = _MAX_NAME) -> str:
    """Return ``name`` cut to ``most`` characters, to fit on an axis, as an escaped label."""
    return label(name if len(name) <= most else name[: most - 1] + "…")


def name_rows(figure: go.Figure, places: Sequence[int], names: Sequence[str], most: int = _MAX_NAME) -> None:
    """Write ``names``, cut to ``most`` characters, on the vertical axis at ``places``."""
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(places),
        ticktext=[shortened(name, most) + "  " for name in names],
        automargin=True,
        showgrid=False,
    )


def still(
    figure: go.Figure, height: int, margin: Mapping[str, int] | None = None, **layout: object
) -> go.Figure:
    """Give a figure a fixed height and small margins, and switch zooming and dragging off.

    Args:
        figure: changed in place and returned.
        height: in pixels.
        margin: in pixels, where it differs from the usual one.
        layout: further plotly layout settings.
    """
    usual = {"l": 0, "r": 16, "t": 8, "b": 0}
    figure.update_layout(height=height, margin={**usual, **(margin or {})}, dragmode=False, **layout)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def from_top(n: int) -> list[int]:
    """Return the positions of ``n`` rows, the first one at the top.

    Charts place rows by number: two long names that are shortened to the same text stay two rows.
    """
    return list(range(n))[::-1]
