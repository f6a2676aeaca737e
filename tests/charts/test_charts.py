"""Figures from plain data."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fsl.charts import ACCENT, class_bars, label, percent


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
    code = "import sys, fsl.charts; sys.exit(bool({'torch', 'streamlit'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (0.999, "over 99%"), (1.0, "over 99%")],
)
def test_percent_is_never_quite_sure(value: float, text: str) -> None:
    assert percent(value) == text
