"""Charts of "same or different?"."""

import pytest

from fsl.charts.pairs import pair_histograms, roc_figure


def test_the_curve_marks_the_threshold() -> None:
    figure = roc_figure([0.0, 0.1, 1.0], [0.0, 0.8, 1.0], (0.1, 0.8))
    curve, here = figure.data
    assert list(curve.x) == [0.0, 0.1, 1.0]
    assert (list(here.x), list(here.y)) == ([0.1], [0.8])


@pytest.mark.parametrize("similarity", [None, 0.2, 0.9])
def test_histograms_mark_threshold_and_probe(similarity: float | None) -> None:
    figure = pair_histograms([0.0, 0.5, 1.0], [0.1, 0.9], [0.7, 0.3], 0.6, similarity)
    shares = {bars.name: list(bars.y) for bars in figure.data}
    assert shares == {"same pairs": [0.1, 0.9], "different pairs": [0.7, 0.3]}
    lines = [shape.x0 for shape in figure.layout.shapes]
    assert lines == [0.6] if similarity is None else lines == [0.6, similarity]


@pytest.mark.parametrize(("threshold", "similarity"), [(0.86, 0.95), (0.5, 0.5), (0.02, 0.01), (1.0, 1.0)])
def test_names_of_close_lines_are_in_separate_rows(threshold: float, similarity: float) -> None:
    figure = pair_histograms([0.0, 0.5, 1.0], [0.1, 0.9], [0.7, 0.3], threshold, similarity)
    names = {note.text: note for note in figure.layout.annotations}
    assert set(names) == {"limit", "this one"}
    assert all(note.y == 1 and note.yanchor == "bottom" for note in names.values())  # above the bars
    assert abs((names["limit"].yshift or 0) - (names["this one"].yshift or 0)) >= 16
