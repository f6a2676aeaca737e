"""Figures from plain data."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fsl.charts.figures import (
    ACCENT,
    class_bars,
    confusion_matrix,
    grid_heat_map,
    interval_bars,
    label,
    map_figure,
    map_html,
    percent,
)


def test_labels_show_html_letter_for_letter() -> None:
    assert label("<b>a</b> & b\n") == "&lt;b&gt;a&lt;/b&gt; &amp; b "


def test_the_most_probable_class_is_on_top_and_the_answer_in_the_accent_colour() -> None:
    (bars,) = class_bars({"a": 0.2, "b": 0.7, "c": 0.1}, chosen="b").data
    assert list(bars.x) == [0.1, 0.2, 0.7]
    assert bars.marker.color[-1] == ACCENT
    assert ACCENT not in bars.marker.color[:-1]


def test_unknown_highlights_nothing() -> None:
    (bars,) = class_bars({"a": 0.2, "b": 0.8}, chosen=None).data
    assert ACCENT not in bars.marker.color


def test_names_are_escaped_and_long_names_stay_apart() -> None:
    long = "x" * 60
    figure = class_bars({"<img src=x>": 0.5, long + "1": 0.3, long + "2": 0.2}, chosen=None)
    assert len(figure.data[0].y) == len(set(figure.data[0].y)) == 3
    assert "<img" not in str(figure.layout.yaxis.ticktext) + str(figure.data[0].customdata)


def test_charts_import_neither_torch_nor_streamlit() -> None:
    code = "import sys, fsl.charts.figures; sys.exit(bool({'torch', 'streamlit'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (0.999, "over 99%"), (1.0, "over 99%")],
)
def test_percent_is_never_quite_sure(value: float, text: str) -> None:
    assert percent(value) == text


def test_every_mistake_of_the_matrix_can_be_clicked_and_names_are_shown_letter_for_letter() -> None:
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


def test_a_grid_says_where_there_is_no_figure() -> None:
    figure = grid_heat_map([2, 5], [1], {(2, 1): (0.75, 0.01), (5, 1): None})
    assert figure.data[0].text[0][0] == "75.0%<br>± 1.0%"
    assert figure.data[0].text[1][0] == "–"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_has_every_image_and_looks_for_22_classes(dimensions: int) -> None:
    classes = [f"class {i % 22}" for i in range(44)]
    points = np.random.default_rng(0).normal(size=(44, dimensions)).astype(np.float32)
    figure = map_figure(points, classes, [f"{i}.png" for i in range(44)], "a & b")
    assert [trace.name for trace in figure.data] == [f"class {i}" for i in range(22)]
    for slot, trace in enumerate(figure.data):
        drawn = np.stack([np.array(trace[axis]) for axis in "xyz"[:dimensions]], axis=1)
        np.testing.assert_allclose(drawn, points[[slot, slot + 22]])
        assert list(trace.text) == [f"class {slot}<br>{n}.png" for n in (slot, slot + 22)]
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == 22
    assert figure.layout.title.text == "a &amp; b"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_as_a_page_needs_nothing_else_and_runs_no_text(dimensions: int) -> None:
    points = np.zeros((2, dimensions), np.float32)
    page = map_html(points, ["<img src=x>", "b"], ["<script>a</script>.png", "b.png"], "map")
    assert "<script src=" not in page
    assert "<img src=x>" not in page
    assert "<script>a" not in page
