"""Alignment: landmarks go to their places, against a least-squares solution by numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fsl.base.types import Float64Array
from fsl.twin.faces.align import FACE_SIZE, TEMPLATE, align, similarity_transform


def by_lstsq(source: Float64Array, target: Float64Array) -> Float64Array:
    """Solve for a, b, s, t with x' = a x - b y + s and y' = b x + a y + t, as one linear system."""
    rows, values = [], []
    for (x, y), (to_x, to_y) in zip(source, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [to_x, to_y]
    a, b, s, t = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]
    return np.array([[a, -b, s], [b, a, t]])


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_the_transform_is_the_least_squares_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.normal(0, 50, (2, 5, 2))
    assert np.allclose(similarity_transform(source, target), by_lstsq(source, target), atol=1e-6)


def placed(scale: float, degrees: float, x: float, y: float) -> Float64Array:
    """The template's points, turned, scaled and moved."""
    turn = np.radians(degrees)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (TEMPLATE - 75) @ matrix.T + np.array([x, y])


@pytest.mark.parametrize("scale", [0.6, 1.0, 2.5, 9.0])
@pytest.mark.parametrize("degrees", [0.0, 35.0, -120.0, 180.0])
def test_drawn_landmarks_come_to_lie_where_the_network_expects_them(scale: float, degrees: float) -> None:
    side = round(400 * max(1.0, scale))
    landmarks = placed(scale, degrees, side / 2 + 7, side / 2 - 11)
    y, x = np.mgrid[:side, :side] + 0.5
    pixels = np.zeros((side, side, 3), np.uint8)
    radius = 3 * scale
    for number, (to_x, to_y) in enumerate(landmarks):
        pixels[(x - to_x) ** 2 + (y - to_y) ** 2 < radius**2] = 50 + 40 * number
    aligned = np.asarray(align(Image.fromarray(pixels), landmarks)).astype(float)[..., 0]
    assert aligned.shape == (FACE_SIZE, FACE_SIZE)
    rows, columns = np.mgrid[:FACE_SIZE, :FACE_SIZE] + 0.5
    for to_x, to_y in TEMPLATE:
        near = aligned * (((columns - to_x) ** 2 + (rows - to_y) ** 2) < 12**2)
        assert near.sum() > 0
        centre = (near * columns).sum() / near.sum(), (near * rows).sum() / near.sum()
        assert np.hypot(centre[0] - to_x, centre[1] - to_y) < 0.7


def test_a_face_at_the_edge_is_black_where_the_photo_ends() -> None:
    photo = Image.new("RGB", (200, 200), (200, 100, 50))
    aligned = np.asarray(align(photo, placed(1.0, 0.0, 0.0, 100.0)))
    assert aligned[75, 10].tolist() == [0, 0, 0]
    assert aligned[75, 140].tolist() == [200, 100, 50]
