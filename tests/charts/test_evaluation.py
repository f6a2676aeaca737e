"""Charts of answers and evaluations."""

import numpy as np
import pytest

from fsl.charts.evaluation import (
    class_bars,
    confusion_matrix,
    grid_heat_map,
    interval_bars,
    reliability_diagram,
)
from fsl.charts.style import ACCENT


def test_the_most_probable_class_is_on_top_and_the_answer_in_the_accent_colour() -> None:
    (bars,) = class_bars({"a": 0.2, "b": 0.7, "c": 0.1}, chosen="b").data
    from_top = sorted(zip(bars.y, bars.x, bars.marker.color, strict=True), reverse=True)
    assert [share for _, share, _ in from_top] == [0.7, 0.2, 0.1]
    assert [colour == ACCENT for *_, colour in from_top] == [True, False, False]


def test_unknown_highlights_nothing() -> None:
    (bars,) = class_bars({"a": 0.2, "b": 0.8}, chosen=None).data
    assert ACCENT not in bars.marker.color


def test_names_are_escaped_and_long_names_stay_apart() -> None:
    long = "x" * 60
    figure = class_bars({"<img src=x>": 0.5, long + "1": 0.3, long + "2": 0.2}, chosen=None)
    assert len(figure.data[0].y) == len(set(figure.data[0].y)) == 3
    assert "<img" not in str(figure.layout.yaxis.ticktext) + str(figure.data[0].customdata)


def test_every_mistake_of_the_matrix_can_be_clicked_and_names_are_escaped() -> None:
    counts = np.array([[5, 2, 0], [0, 4, 0], [1, 0, 3]])
    figure = confusion_matrix(counts, ["<b>a</b>", "b", "c"])
    heat, points = figure.data
    assert {tuple(pair) for pair in points.customdata} == {(0, 1), (2, 0)}
    assert list(zip(points.y, points.x, strict=True)) == [(0, 1), (2, 0)]
    assert heat.z[0].tolist() == pytest.approx([5 / 7, -2 / 7, 0])  # mistakes below zero, in their own colour
    assert "<b>" not in str(heat.text) + str(points.text) + str(figure.layout.xaxis.labelalias)
    assert "2 of 7" in points.text[0]


def test_intervals_and_chance_are_drawn() -> None:
    figure = interval_bars(["a", "b"], [0.9, 0.5], [0.01, 0.02], 0.2)
    assert list(figure.data[0].error_x.array) == [0.01, 0.02]
    assert figure.data[0].marker.color[0] == ACCENT
    assert figure.layout.shapes[0].x0 == 0.2


def test_an_interval_that_tells_nothing_is_not_drawn() -> None:
    figure = interval_bars(["a", "b"], [0.9, 0.5], [1.0, None], 0.2)
    assert list(figure.data[0].error_x.array) == [0, 0]
    texts = [text for _, text in figure.data[0].customdata]
    assert texts == ["90.0% (too few pictures for a margin of error)", "50.0%"]


def test_a_grid_has_a_dash_if_there_are_too_few_images() -> None:
    figure = grid_heat_map([2, 5], [1, 2], {(2, 1): (0.75, 0.01), (5, 1): None, (2, 2): (0.75, 0.6)})
    assert figure.data[0].text[0][1] == "75.0%<br>too few"
    assert figure.data[0].text[0][0] == "75.0%<br>± 1.0%"
    assert figure.data[0].text[1][0] == "–"


def test_a_reliability_diagram_of_pairs() -> None:
    nan = np.nan
    figure = reliability_diagram(
        np.array([0.1, nan]), np.array([0.2, nan]), np.array([30, 0]), said="given", so="happened"
    )
    bars, line = figure.data
    assert (bars.y[0], bars.text[0]) == (0.2, "said 10% on average, so in 20% of 30")
    assert list(line.x) == list(line.y)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("given", "happened")
