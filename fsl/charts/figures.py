"""Plain data to plotly figures. Imports no torch and no Streamlit."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

if TYPE_CHECKING:
    from fsl.base.types import Float32Array, Float64Array, IntArray

ACCENT = "#0b7a5c"
"""The theme's (``.streamlit/config.toml``); readable on light and on dark."""
AGAINST = "#dd7a00"
PROBE = "#8264e0"
MUTED = "rgba(128, 138, 150, 0.45)"
CLASS_COLOURS = (
    "#2f7fd1", "#dd7a00", ACCENT, "#c9447a", "#8763d0",
    "#a89400", "#d6452e", "#17a0b3", "#8d6b4c", "#6d7f8d",
)  # fmt: skip
"""Of a map's classes, in turn; a class has a colour and a symbol, and either one tells it."""
CLASS_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "x")
_SYMBOLS_IN_SPACE = ("circle", "square", "circle-open", "diamond", "cross", "diamond-open", "x")
"""As many as in the plane: their number and that of the colours have no divisor in common."""
STILL = {"displayModeBar": False}
"""For ``st.plotly_chart(config=...)``: without plotly's own toolbar."""
_ROC_HOVER = "%{x:.2%} of different pairs called the same<br>%{y:.1%} of same pairs called the same"
# From all wrong over nothing at 0.5 to all right; a mistake made once in fifty times is seen already.
_MATRIX_COLOURS = (
    (0, AGAINST),
    (0.42, "rgba(221, 122, 0, 0.65)"),
    (0.49, "rgba(221, 122, 0, 0.3)"),
    (0.5, "rgba(128, 138, 150, 0.08)"),
    (0.58, "rgba(11, 122, 92, 0.45)"),
    (1, ACCENT),
)
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
    _quiet(figure, _ROW_PIXELS * len(ordered) + 12, bargap=0.35, showlegend=False)
    figure.update_layout(margin={"r": 64, "t": 4, "b": 8})
    figure.update_xaxes(visible=False, range=[0, 1])
    _name_rows(figure, range(len(ordered)), [name for name, _ in ordered])
    return figure


def pair_histograms(
    edges: Sequence[float],
    same: Sequence[float],
    different: Sequence[float],
    threshold: float,
    similarity: float | None,
) -> go.Figure:
    """Similarities of same and of different pairs, with the threshold and one probe marked.

    Args:
        edges: of the bins, one more than there are bins, in [0, 1].
        same: share of same pairs in each bin.
        different: share of different pairs in each bin.
        threshold: in [0, 1].
        similarity: of the probe; none for no mark.
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
    figure.add_vline(
        x=threshold,
        line={"dash": "dash", "width": 2, "color": "#7b8794"},
    )
    _name_line(figure, threshold, "limit", row=1)
    if similarity is not None:
        figure.add_vline(x=similarity, line={"width": 3, "color": PROBE})
        _name_line(figure, similarity, "this one", row=0, font={"color": PROBE})
    _pair_layout(figure, "Similarity", "Share of pairs")
    figure.update_layout(barmode="overlay", legend={"orientation": "h", "y": -0.28, "x": 0}, margin_t=40)
    figure.update_yaxes(range=[0, 1.15 * max(_second(same), _second(different), 0.02)], tickformat=".0%")
    figure.update_xaxes(range=[0, 1])
    return figure


def _name_line(figure: go.Figure, x: float, name: str, row: int, **looks: object) -> None:
    """A name above an upright line, in a row of its own: two lines may lie close to each other."""
    anchor = "left" if x < 0.2 else "right" if x > 0.8 else "center"
    figure.add_annotation(
        x=x, y=1, yref="paper", yanchor="bottom", yshift=17 * row, xanchor=anchor, text=name, showarrow=False,
        **looks,
    )  # fmt: skip


def roc_figure(
    false_accept: Sequence[float], true_accept: Sequence[float], here: tuple[float, float]
) -> go.Figure:
    """The ROC curve with a point on it marked.

    Args:
        false_accept: share of different pairs called the same, rising.
        true_accept: share of same pairs called the same, rising.
        here: both, at the threshold in use.
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
    _pair_layout(figure, "Different called the same", "Same called the same")
    figure.update_layout(showlegend=False)
    figure.update_xaxes(range=[-0.02, 1], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.03], tickformat=".0%")
    return figure


def _pair_layout(figure: go.Figure, x: str, y: str) -> None:
    figure.update_layout(height=280, margin={"l": 0, "r": 8, "t": 24, "b": 8}, dragmode=False)
    figure.update_xaxes(title=x, fixedrange=True)
    figure.update_yaxes(title=y, fixedrange=True)


def _second(shares: Sequence[float]) -> float:
    """The second largest share: the bin at the end may hold most pairs and would flatten all others."""
    return sorted(shares)[-2] if len(shares) > 1 else 1.0


def map_figure(points: Float32Array, classes: Sequence[str], names: Sequence[str], title: str) -> go.Figure:
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
                text=[f"{label(name)}<br>{label(names[row])}" for row in rows],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    figure.update_layout(title=label(title), legend={"itemsizing": "constant"}, template="plotly_white")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def map_html(points: Float32Array, classes: Sequence[str], names: Sequence[str], title: str) -> str:
    """:func:`map_figure` as a page that needs no other file and no internet (about 5 MB)."""
    page: str = map_figure(points, classes, names, title).to_html(include_plotlyjs=True, full_html=True)
    return page


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"


def _name_rows(figure: go.Figure, places: Sequence[int], names: Sequence[str]) -> None:
    """Names on the upright axis, each at its place."""
    ticks = [label(_cut(name)) + "  " for name in names]
    figure.update_yaxes(
        tickmode="array", tickvals=list(places), ticktext=ticks, automargin=True, showgrid=False
    )


def _quiet(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    """A figure that stands still: no dragging, little margin."""
    margin = {"l": 0, "r": 16, "t": 8, "b": 0}
    figure.update_layout(height=height, margin=margin, dragmode=False, **layout)
    figure.update_xaxes(fixedrange=True)
    figure.update_yaxes(fixedrange=True)
    return figure


def interval_bars(
    names: Sequence[str], values: Sequence[float], errors: Sequence[float], chance: float
) -> go.Figure:
    """A bar for each accuracy with its interval, the first on top and in the accent colour.

    Args:
        names: of the bars.
        values: in [0, 1].
        errors: half the widths of their intervals.
        chance: accuracy of guessing, drawn as a line.
    """
    places = list(range(len(names)))[::-1]
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=places,
            orientation="h",
            marker={"color": [ACCENT, *(MUTED for _ in names[1:])], "cornerradius": 4},
            error_x={"array": list(errors), "color": "gray", "thickness": 1.5},
            customdata=[
                [label(n), f"{v:.1%} ± {e:.1%}"] for n, v, e in zip(names, values, errors, strict=True)
            ],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
        )
    )
    for place, value, error in zip(places, values, errors, strict=True):
        inside = value > 0.8
        figure.add_annotation(
            x=value - error if inside else value + error,
            y=place,
            text=f"<b>{value:.1%}</b>",
            showarrow=False,
            xanchor="right" if inside else "left",
            xshift=-8 if inside else 8,
            font={"color": "white"} if inside and place == places[0] else {},
        )
    figure.add_vline(
        x=chance, line={"color": "gray", "dash": "dot"}, annotation={"text": "guessing", "yanchor": "bottom"}
    )
    _quiet(figure, 46 * len(names) + 40, bargap=0.3, showlegend=False)
    figure.update_layout(margin_t=24)
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    _name_rows(figure, places, names)
    return figure


def confusion_matrix(counts: IntArray, names: Sequence[str]) -> go.Figure:
    """How often each class was taken for each other; a point on every mistake can be selected.

    Args:
        counts: int64 ``(C, C)``, true class by answered class.
        names: of the classes. A point's ``customdata`` is [true class, answered class].
    """
    n = len(names)
    totals = counts.sum(1, keepdims=True)
    shares = counts / totals.clip(min=1)
    shares[~np.eye(n, dtype=bool)] *= -1  # mistakes have a colour of their own
    labels = [label(name) for name in names]
    texts = [
        [
            f"{labels[t]}, {'answered' if t == a else 'taken for'} {labels[a]}: "
            f"{counts[t, a]:,} of {totals[t, 0]:,}"
            for a in range(n)
        ]
        for t in range(n)
    ]
    figure = go.Figure(
        go.Heatmap(
            x=list(range(n)),
            z=shares,
            zmin=-1,
            zmax=1,
            colorscale=_MATRIX_COLOURS,
            showscale=False,
            text=texts,
            hovertemplate="%{text}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    mistakes = [(t, a) for t in range(n) for a in range(n) if t != a and counts[t, a]]
    figure.add_trace(
        go.Scatter(
            x=[a for _, a in mistakes],
            y=[t for t, _ in mistakes],
            customdata=mistakes,
            mode="markers",
            marker={"symbol": "square", "size": max(8, 420 // n), "opacity": 0},
            text=[texts[t][a] for t, a in mistakes],
            hovertemplate="%{text}<br>click to see the pictures<extra></extra>",
        )
    )
    height = max(300, min(820, 26 * n + 130))
    _quiet(figure, height, showlegend=False, clickmode="event+select")
    # Columns of a category axis by number, as plotly leaves out names for which a narrow screen has no room.
    figure.update_xaxes(
        showgrid=False,
        zeroline=False,
        automargin=True,
        type="category",
        labelalias={str(i): label(_cut(name)) for i, name in enumerate(names)},
        title="answered",
        tickangle=-50,
        range=[-0.5, n - 0.5],
    )
    _name_rows(figure, range(n), names)
    figure.update_yaxes(title="true class", range=[n - 0.5, -0.5], zeroline=False)
    return figure


def reliability_diagram(
    confidence: Float64Array,
    accuracy: Float64Array,
    counts: IntArray,
    said: str = "how sure it said it was",
    so: str = "how often it was right",
) -> go.Figure:
    """How often what was given each probability is so; on the line the two agree.

    Args:
        confidence: ``(B,)``, mean stated probability of each bin, nan where it is empty.
        accuracy: ``(B,)``, the share that was so, likewise.
        counts: ``(B,)``.
        said: what the probability is of; below the axis.
        so: what the share is; beside the axis.
    """
    width = 1 / len(counts)
    middles = [(b + 0.5) * width for b in range(len(counts))]
    texts = [
        f"said {c:.0%} on average, so in {a:.0%} of {n:,}" if n else "none"
        for c, a, n in zip(confidence, accuracy, counts, strict=True)
    ]
    heaviest = max(1, int(counts.max()))
    opacity = [0.35 + 0.65 * float(n) / heaviest for n in counts]
    bars = go.Bar(
        x=middles,
        y=accuracy,
        width=width * 0.92,
        marker={"color": ACCENT, "opacity": opacity, "cornerradius": 3},
        text=texts,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
    line = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "gray", "dash": "dot"}, hoverinfo="skip"
    )
    figure = _quiet(go.Figure([bars, line]), 330, showlegend=False)
    figure.update_xaxes(title=said, range=[0, 1], tickformat=".0%", showgrid=False)
    figure.update_yaxes(title=so, range=[0, 1.02], tickformat=".0%")
    return figure


def open_set_histograms(known: Float64Array, strangers: Float64Array, threshold: float | None) -> go.Figure:
    """Best similarity of queries whose class is there, and of strangers.

    Args:
        known: any shape, in [0, 1].
        strangers: likewise.
        threshold: below it an answer is "unknown", drawn as a line; none for no line.
    """
    figure = go.Figure()
    bins = {"start": 0.0, "end": 1.0, "size": 0.025}
    groups = ((known, "class is among the examples", ACCENT), (strangers, "stranger", AGAINST))
    for values, name, colour in groups:
        figure.add_histogram(
            x=values.reshape(-1),
            name=name,
            histnorm="probability",
            xbins=bins,
            marker={"color": colour},
            opacity=0.6,
            hovertemplate=f"{name}: %{{y:.0%}} near %{{x}}<extra></extra>",
        )
    if threshold is not None:
        figure.add_vline(x=threshold, line={"color": "gray", "dash": "dot"}, annotation={"text": "limit"})
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    _quiet(figure, 300, barmode="overlay", legend=legend)
    figure.update_layout(margin_t=30)
    figure.update_xaxes(title="similarity to the best class", range=[0, 1])
    figure.update_yaxes(title="share of queries", tickformat=".0%")
    return figure


def grid_heat_map(
    ways: Sequence[int], shots: Sequence[int], cells: Mapping[tuple[int, int], tuple[float, float] | None]
) -> go.Figure:
    """Accuracy by ways and shots, written in every square.

    Args:
        ways: the rows.
        shots: the columns.
        cells: (accuracy, half the interval's width) by (way, shot); none where there is no figure.
    """
    found = [[cells.get((way, shot)) for shot in shots] for way in ways]
    figure = go.Figure(
        go.Heatmap(
            z=[[cell[0] if cell else None for cell in row] for row in found],
            x=[f"{shot}-shot" for shot in shots],
            y=[f"{way}-way" for way in ways],
            text=[[f"{c[0]:.1%}<br>± {c[1]:.1%}" if c else "–" for c in row] for row in found],
            texttemplate="%{text}",
            textfont={"color": "#12201b"},
            colorscale=[[0, "#e9efe9"], [0.5, "#9fd3bd"], [1, "#35b48c"]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=3,
            ygap=3,
            hovertemplate="%{y} %{x}: %{text}<extra></extra>",
        )
    )
    _quiet(figure, 58 * len(ways) + 40)
    figure.update_xaxes(showgrid=False, side="top")
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def class_accuracies(names: Sequence[str], values: Sequence[float], counts: Sequence[int]) -> go.Figure:
    """A bar for each class, in the order given.

    Args:
        names: of the classes.
        values: share of right answers, in [0, 1].
        counts: how often each was asked about.
    """
    places = list(range(len(names)))[::-1]
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=places,
            orientation="h",
            marker={"color": ACCENT, "opacity": 0.75, "cornerradius": 3},
            text=[f"{value:.0%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            customdata=[[label(name), count] for name, count in zip(names, counts, strict=True)],
            hovertemplate="%{customdata[0]}: %{x:.1%} of %{customdata[1]:,}<extra></extra>",
        )
    )
    _quiet(figure, 24 * len(names) + 24, bargap=0.25, showlegend=False)
    figure.update_layout(margin_r=48)
    figure.update_xaxes(range=[0, 1], visible=False)
    _name_rows(figure, places, names)
    return figure
