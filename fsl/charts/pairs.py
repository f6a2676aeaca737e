"""Charts of "same or different?": similarities of pairs, and the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from fsl.charts.style import ACCENT, AGAINST, PROBE, still

_HEIGHT = 280
_MARGIN = {"r": 8, "t": 24, "b": 8}
_ROC_HOVER = "%{x:.2%} of different pairs called the same<br>%{y:.1%} of same pairs called the same"


def pair_histograms(
    edges: Sequence[float],
    same: Sequence[float],
    different: Sequence[float],
    threshold: float,
    similarity: float | None,
) -> go.Figure:
    """Draw the similarities of same and different pairs, with the threshold and one pair marked.

    Args:
        edges: of the bins, one more than there are bins, in [0, 1].
        same: share of same pairs in each bin.
        different: share of different pairs in each bin.
        threshold: in [0, 1].
        similarity: of the marked pair; None for no mark.
    """
    centres = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    figure = go.Figure()
    for name, shares, colour in (("different", different, AGAINST), ("same", same, ACCENT)):
        figure.add_bar(
            x=centres,
            y=shares,
            width=widths,
            name=f"{name} pairs",
            marker={"color": colour, "opacity": 0.6, "line": {"width": 0}},
            hovertemplate=f"similarity %{{x:.2f}}<br>%{{y:.1%}} of {name} pairs<extra></extra>",
        )
    figure.add_vline(x=threshold, line={"dash": "dash", "width": 2, "color": "#7b8794"})
    _name_line(figure, threshold, "limit", row=1)
    if similarity is not None:
        figure.add_vline(x=similarity, line={"width": 3, "color": PROBE})
        _name_line(figure, similarity, "this one", row=0)
    legend = {"orientation": "h", "y": -0.28, "x": 0}
    still(figure, _HEIGHT, {**_MARGIN, "t": 40}, barmode="overlay", legend=legend)
    tallest = max(_second_largest(same), _second_largest(different), 0.02)
    figure.update_xaxes(title="Similarity", range=[0, 1])
    figure.update_yaxes(title="Share of pairs", range=[0, 1.15 * tallest], tickformat=".0%")
    return figure


def _name_line(figure: go.Figure, x: float, name: str, row: int) -> None:
    """Write a name above a vertical line. Each line has its own row, because two lines may lie close."""
    anchor = "left" if x < 0.2 else "right" if x > 0.8 else "center"
    figure.add_annotation(
        x=x, y=1, yref="paper", yanchor="bottom", yshift=17 * row, xanchor=anchor, text=name, showarrow=False
    )  # fmt: skip


def _second_largest(shares: Sequence[float]) -> float:
    """Return the second largest share: the last bin may hold most pairs and would flatten all others."""
    return sorted(shares)[-2] if len(shares) > 1 else 1.0


def roc_figure(
    false_accept: Sequence[float], true_accept: Sequence[float], here: tuple[float, float]
) -> go.Figure:
    """Draw the ROC curve with one point marked.

    Args:
        false_accept: share of different pairs called the same, rising.
        true_accept: share of same pairs called the same, rising.
        here: both shares at the threshold in use.
    """
    figure = go.Figure(
        go.Scatter(
            x=false_accept,
            y=true_accept,
            mode="lines",
            line={"color": ACCENT, "width": 2},
            hovertemplate=f"{_ROC_HOVER}<extra></extra>",
        )
    )
    figure.add_scatter(
        x=[here[0]],
        y=[here[1]],
        mode="markers",
        marker={"size": 12, "color": PROBE, "line": {"width": 2, "color": "white"}},
        hovertemplate=f"Your limit<br>{_ROC_HOVER}<extra></extra>",
    )
    still(figure, _HEIGHT, _MARGIN, showlegend=False)
    figure.update_xaxes(title="Different called the same", range=[-0.02, 1], tickformat=".0%")
    figure.update_yaxes(title="Same called the same", range=[0, 1.03], tickformat=".0%")
    return figure
