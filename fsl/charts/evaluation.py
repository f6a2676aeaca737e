"""Charts of answers and evaluations: accuracy, confusion, calibration and open-set queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from fsl.base.text import limit_text, margin_text, percent, similarity_text, tells_something
from fsl.charts.style import ACCENT, AGAINST, MUTED, from_top, label, name_rows, shortened, still

if TYPE_CHECKING:
    from fsl.base.types import Float64Array, IntArray

# Mistakes are below 0.5 and correct answers above it; a mistake made once in fifty times is visible.
_MATRIX_COLOURS = (
    (0, AGAINST),
    (0.42, "rgba(221, 122, 0, 0.65)"),
    (0.49, "rgba(221, 122, 0, 0.3)"),
    (0.5, "rgba(128, 138, 150, 0.08)"),
    (0.58, "rgba(11, 122, 92, 0.45)"),
    (1, ACCENT),
)

_MATRIX_NAME = 18
"""Longest name beside the confusion matrix, in characters; longer ones would shrink its squares."""
_ROOM_UP_TO = 0.85
"""An interval that ends further right leaves no room for its figure beside it."""


def class_bars(probabilities: Mapping[str, float], chosen: str | None) -> go.Figure:
    """Draw a bar per class, the most probable on top.

    Args:
        probabilities: by class name, each in [0, 1].
        chosen: the answer, drawn in the accent colour; None for "unknown".
    """
    ordered = sorted(probabilities.items(), key=lambda item: -item[1])
    names, values = [name for name, _ in ordered], [p for _, p in ordered]
    bars = {
        "marker": {"color": [ACCENT if name == chosen else MUTED for name in names], "cornerradius": 4},
        "text": [percent(p) for p in values],
        "customdata": [label(name) for name in names],
        "hovertemplate": "%{customdata}: %{x:.2%}<extra></extra>",
    }
    margin = {"r": 64, "t": 4, "b": 8}
    return _share_bars(names, values, bars, 30 * len(names) + 12, margin, bargap=0.35)


def similarity_bars(similarities: Mapping[str, float], limit: float) -> go.Figure:
    """Draw a muted bar per class, the most similar on top, and the limit below which nothing is known.

    Args:
        similarities: by class name, each in [0, 1].
        limit: similarity in [0, 1].
    """
    ordered = sorted(similarities.items(), key=lambda item: -item[1])
    names, values = [name for name, _ in ordered], [value for _, value in ordered]
    bars = {
        "marker": {"color": MUTED, "cornerradius": 4},
        "text": [similarity_text(value) for value in values],
        "customdata": [label(name) for name in names],
        "hovertemplate": "%{customdata}: similarity %{x:.4f}<extra></extra>",
    }
    margin = {"r": 88, "t": 24, "b": 8}
    figure = _share_bars(names, values, bars, 30 * len(names) + 32, margin, bargap=0.35)
    note = {"text": f"limit {limit_text(limit)}", "yanchor": "bottom"}
    figure.add_vline(x=limit, line={"color": "gray", "dash": "dot"}, annotation=note)
    return figure


def interval_bars(
    names: Sequence[str], values: Sequence[float], errors: Sequence[float | None], chance: float
) -> go.Figure:
    """Draw accuracies with their intervals as bars, the first on top and in the accent colour.

    Args:
        names: of the bars.
        values: accuracies, in [0, 1].
        errors: half the widths of their intervals; None for an accuracy without one.
        chance: accuracy of guessing, drawn as a line.
    """
    places = from_top(len(names))
    widths = [error if error is not None and tells_something(error) else 0.0 for error in errors]
    texts = [[label(n), f"{v:.1%}{margin_text(e)}"] for n, v, e in zip(names, values, errors, strict=True)]
    bars = go.Bar(
        x=list(values),
        y=places,
        orientation="h",
        marker={"color": [ACCENT, *(MUTED for _ in names[1:])], "cornerradius": 4},
        error_x={"array": widths, "color": "gray", "thickness": 1.5},
        customdata=texts,
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
    )
    figure = go.Figure(bars)
    for place, value, error in zip(places, values, widths, strict=True):
        inside = value + error > _ROOM_UP_TO
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
    still(figure, 46 * len(names) + 40, {"t": 24}, bargap=0.3, showlegend=False)
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    name_rows(figure, places, names)
    return figure


def class_accuracies(names: Sequence[str], values: Sequence[float], counts: Sequence[int]) -> go.Figure:
    """Draw a bar per class, in the order given.

    Args:
        names: of the classes.
        values: share of correct answers, in [0, 1].
        counts: queries of each class.
    """
    bars = {
        "marker": {"color": ACCENT, "opacity": 0.75, "cornerradius": 3},
        "text": [f"{value:.0%}" for value in values],
        "customdata": [[label(name), count] for name, count in zip(names, counts, strict=True)],
        "hovertemplate": "%{customdata[0]}: %{x:.1%} of %{customdata[1]:,}<extra></extra>",
    }
    return _share_bars(names, values, bars, 24 * len(names) + 24, {"r": 48}, bargap=0.25)


def _share_bars(
    names: Sequence[str],
    values: Sequence[float],
    bars: Mapping[str, object],
    height: int,
    margin: Mapping[str, int],
    bargap: float,
) -> go.Figure:
    """Draw shares in [0, 1] as named bars with text at their ends, the first on top."""
    places = from_top(len(names))
    traces = go.Bar(
        x=list(values), y=places, orientation="h", textposition="outside", cliponaxis=False, **bars
    )
    figure = still(go.Figure(traces), height, margin, bargap=bargap, showlegend=False)
    figure.update_xaxes(visible=False, range=[0, 1])
    name_rows(figure, places, names)
    return figure


def confusion_matrix(counts: IntArray, names: Sequence[str]) -> go.Figure:
    """Draw a confusion matrix in which every mistake is a point that can be selected.

    Args:
        counts: int64 ``(C, C)``, true class by answered class.
        names: of the classes. A point's ``customdata`` is [true class, answered class].
    """
    n = len(names)
    texts = _matrix_texts(counts, [label(name) for name in names])
    figure = go.Figure([_matrix_squares(counts, texts), _matrix_mistakes(counts, texts)])
    height = max(300, min(820, 26 * n + 130))
    still(figure, height, showlegend=False, clickmode="event+select")
    # The category axis counts columns by number: plotly omits names that a narrow screen has no room for.
    figure.update_xaxes(
        showgrid=False,
        zeroline=False,
        automargin=True,
        type="category",
        labelalias={str(i): shortened(name, _MATRIX_NAME) for i, name in enumerate(names)},
        title="answered",
        tickangle=-50,
        range=[-0.5, n - 0.5],
    )
    name_rows(figure, range(n), names, _MATRIX_NAME)
    figure.update_yaxes(title="true class", range=[n - 0.5, -0.5], zeroline=False)
    return figure


def _matrix_texts(counts: IntArray, labels: Sequence[str]) -> list[list[str]]:
    totals = counts.sum(1)
    return [
        [
            f"{true}, {'answered' if t == a else 'taken for'} {answered}: {counts[t, a]:,} of {totals[t]:,}"
            for a, answered in enumerate(labels)
        ]
        for t, true in enumerate(labels)
    ]


def _matrix_squares(counts: IntArray, texts: Sequence[Sequence[str]]) -> go.Heatmap:
    n = len(counts)
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    shares[~np.eye(n, dtype=bool)] *= -1  # mistakes have their own colours
    return go.Heatmap(
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


def _matrix_mistakes(counts: IntArray, texts: Sequence[Sequence[str]]) -> go.Scatter:
    n = len(counts)
    mistakes = [(t, a) for t in range(n) for a in range(n) if t != a and counts[t, a]]
    return go.Scatter(
        x=[a for _, a in mistakes],
        y=[t for t, _ in mistakes],
        customdata=mistakes,
        mode="markers",
        marker={"symbol": "square", "size": max(8, 420 // n), "opacity": 0},
        text=[texts[t][a] for t, a in mistakes],
        hovertemplate="%{text}<br>click to see the pictures<extra></extra>",
    )


def reliability_diagram(
    confidence: Float64Array,
    accuracy: Float64Array,
    counts: IntArray,
    said: str = "how sure it said it was",
    so: str = "how often it was right",
) -> go.Figure:
    """Draw stated probabilities against observed frequencies; on the dotted line the two agree.

    Args:
        confidence: ``(B,)``, mean stated probability of each bin, NaN if the bin is empty.
        accuracy: ``(B,)``, observed frequency in each bin, NaN likewise.
        counts: ``(B,)``.
        said: title of the horizontal axis.
        so: title of the vertical axis.
    """
    width = 1 / len(counts)
    texts = [
        f"said {c:.0%} on average, so in {a:.0%} of {n:,}" if n else "none"
        for c, a, n in zip(confidence, accuracy, counts, strict=True)
    ]
    fullest = max(1, int(counts.max()))
    bars = go.Bar(
        x=[(b + 0.5) * width for b in range(len(counts))],
        y=accuracy,
        width=width * 0.92,
        marker={
            "color": ACCENT,
            "opacity": [0.35 + 0.65 * float(n) / fullest for n in counts],
            "cornerradius": 3,
        },
        text=texts,
        textposition="none",
        hovertemplate="%{text}<extra></extra>",
    )
    line = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": "gray", "dash": "dot"}, hoverinfo="skip"
    )
    figure = still(go.Figure([bars, line]), 330, showlegend=False)
    figure.update_xaxes(title=said, range=[0, 1], tickformat=".0%", showgrid=False)
    figure.update_yaxes(title=so, range=[0, 1.02], tickformat=".0%")
    return figure


def open_set_histograms(known: Float64Array, unknown: Float64Array, threshold: float | None) -> go.Figure:
    """Draw the best similarity of queries of known classes and of queries of unknown classes.

    Args:
        known: any shape, in [0, 1].
        unknown: likewise.
        threshold: the similarity below which an answer is "unknown", drawn as a line; None for no line.
    """
    figure = go.Figure()
    bins = {"start": 0.0, "end": 1.0, "size": 0.025}
    groups = ((known, "class is among the examples", ACCENT), (unknown, "unknown class", AGAINST))
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
    still(figure, 300, {"t": 30}, barmode="overlay", legend=legend)
    figure.update_xaxes(title="similarity to the best class", range=[0, 1])
    figure.update_yaxes(title="share of queries", tickformat=".0%")
    return figure


def grid_heat_map(
    ways: Sequence[int], shots: Sequence[int], cells: Mapping[tuple[int, int], tuple[float, float] | None]
) -> go.Figure:
    """Draw accuracy by ways and shots, written in every square.

    Args:
        ways: the rows.
        shots: the columns.
        cells: (accuracy, half the interval's width) by (way, shot); None if there are too few images.
    """
    rows = [[cells.get((way, shot)) for shot in shots] for way in ways]
    figure = go.Figure(
        go.Heatmap(
            z=[[cell[0] if cell else None for cell in row] for row in rows],
            x=[f"{shot}-shot" for shot in shots],
            y=[f"{way}-way" for way in ways],
            text=[[_cell_text(cell) for cell in row] for row in rows],
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
    still(figure, 58 * len(ways) + 40)
    figure.update_xaxes(showgrid=False, side="top")
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def _cell_text(cell: tuple[float, float] | None) -> str:
    if cell is None:
        return "–"
    accuracy, half = cell
    return f"{accuracy:.1%}<br>± {half:.1%}" if tells_something(half) else f"{accuracy:.1%}<br>too few"
