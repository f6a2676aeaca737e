"""The figures of same and different pairs."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from fsl.charts.figures import pair_histograms, reliability_diagram, roc_figure
from fsl.ui.shared.overlay import overlay_uri


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
def test_names_of_lines_close_to_each_other_stand_in_rows_of_their_own(
    threshold: float, similarity: float
) -> None:
    figure = pair_histograms([0.0, 0.5, 1.0], [0.1, 0.9], [0.7, 0.3], threshold, similarity)
    names = {note.text: note for note in figure.layout.annotations}
    assert set(names) == {"limit", "this one"}
    assert all(note.y == 1 and note.yanchor == "bottom" for note in names.values())  # above the bars
    assert abs((names["limit"].yshift or 0) - (names["this one"].yshift or 0)) >= 16


def test_a_reliability_diagram_of_pairs() -> None:
    nan = np.nan
    figure = reliability_diagram(
        np.array([0.1, nan]), np.array([0.2, nan]), np.array([30, 0]), said="given", so="happened"
    )
    bars, line = figure.data
    assert (bars.y[0], bars.text[0]) == (0.2, "said 10% on average, so in 20% of 30")
    assert list(line.x) == list(line.y)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("given", "happened")


def test_a_map_colours_what_counts_and_leaves_the_rest_grey() -> None:
    pixels = np.full((8, 8, 3), 120, np.uint8)
    contributions = np.zeros((8, 8), np.float32)
    contributions[:4], contributions[4:, 4:] = 1.0, -1.0
    uri = overlay_uri(pixels, contributions, 1.0)
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"), int)
    top, plain, against = image[20, 160], image[300, 20], image[300, 300]
    assert top[1] > top[0]  # green: more alike
    assert against[0] > against[1] > against[2]  # orange: set apart
    assert np.ptp(plain) == 0
