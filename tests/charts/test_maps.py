"""Charts of embedding maps."""

import numpy as np
import pytest

from fsl.charts.maps import map_figure, map_html


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_map_has_every_image_and_22_different_looks(dimensions: int) -> None:
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
def test_a_map_as_a_page_is_self_contained_and_escapes_names(dimensions: int) -> None:
    points = np.zeros((2, dimensions), np.float32)
    page = map_html(points, ["<img src=x>", "b"], ["<script>a</script>.png", "b.png"], "map")
    assert "<script src=" not in page
    assert "<img src=x>" not in page
    assert "<script>a" not in page
