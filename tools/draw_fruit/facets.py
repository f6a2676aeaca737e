"""Stems and leaves, made of small flat pieces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from fsl.base.types import Float64Array
from tools.draw_fruit.geometry import FacetHits, Facets, Floats, Leaves, Stem, View, unit_vectors


def join_facets(parts: Sequence[Facets]) -> Facets:
    """All the facets of several parts (none is fine) as one."""
    none = Facets(np.empty((0, 4, 3), dtype=np.float32), np.empty((0, 3), dtype=np.float32))
    every = [none, *parts]
    return Facets(
        np.concatenate([part.corners for part in every]), np.concatenate([part.colour for part in every])
    )


def stem_facets(stem: Stem, top: float, colour: Floats, rng: np.random.Generator) -> Facets:
    """A bent, tapering tube standing on the upper pole."""
    along = np.linspace(0.0, 1.0, 14)
    heading = rng.uniform(0, 2 * np.pi)
    swing = stem.lean * rng.uniform(0.4, 1.3) * stem.length
    length = stem.length * rng.uniform(0.8, 1.15)
    radius = stem.radius * (1.0 - 0.25 * along + stem.flare * (1 - along) ** 4 + 0.35 * stem.flare * along**8)
    around = np.linspace(0, 2 * np.pi, 15)
    offset = swing * along**2
    grid = np.stack(
        [
            offset[:, None] * np.cos(heading) + radius[:, None] * np.cos(around),
            np.broadcast_to((top - stem.sink + length * along)[:, None], (14, 15)),
            offset[:, None] * np.sin(heading) + radius[:, None] * np.sin(around),
        ],
        axis=-1,
    )
    # A flat cap closes the tube: the last ring drawn together to its middle.
    cap = np.broadcast_to(grid[-1].mean(axis=0), grid[-1].shape)
    shades = colour * np.concatenate([np.linspace(0.75, 1.1, 13), [1.5]])[:, None]
    return _grid_facets(np.concatenate([grid, cap[None]]), shades.astype(np.float32))


def leaf_facets(leaves: Leaves, top: float, colour: Floats, rng: np.random.Generator) -> list[Facets]:
    """Pointed blades with a folded midrib, in a whorl around the upper pole."""
    first = rng.uniform(0, 2 * np.pi)
    blades = []
    for number in range(leaves.count):
        heading = first + 2 * np.pi * (number + rng.uniform(-0.22, 0.22)) / leaves.count
        tint = (colour * rng.uniform(0.8, 1.2)).astype(np.float32)
        blades.append(_blade(leaves, top, heading, tint, rng))
    return blades


def _blade(leaves: Leaves, top: float, heading: float, colour: Floats, rng: np.random.Generator) -> Facets:
    rows = 15
    along = np.linspace(0.0, 1.0, rows)
    slope = np.deg2rad(leaves.rise + rng.uniform(-8, 8) + leaves.curl * rng.uniform(0.75, 1.25) * along)
    stride = leaves.length * rng.uniform(0.85, 1.1) / (rows - 1)
    out = leaves.base + np.concatenate([[0.0], np.cumsum(np.cos(slope[:-1]))]) * stride
    up = top + leaves.lift + np.concatenate([[0.0], np.cumsum(np.sin(slope[:-1]))]) * stride
    half = 0.5 * leaves.width * (0.35 + 1.6 * along) * np.maximum(1.0 - along**1.6, 0.0) ** 0.8
    outward = np.array([np.cos(heading), 0.0, np.sin(heading)])
    sideways = np.array([-np.sin(heading), 0.0, np.cos(heading)])
    rise = np.array([0.0, 1.0, 0.0])
    spine = out[:, None] * outward + up[:, None] * rise
    fold = 0.35 * half[:, None] * (np.cos(slope)[:, None] * rise - np.sin(slope)[:, None] * outward)
    edge = half[:, None] * sideways
    grid = np.stack([spine - edge + fold, spine, spine + edge + fold], axis=1)
    return _grid_facets(grid, (colour * np.linspace(0.8, 1.15, rows - 1)[:, None]).astype(np.float32))


def _grid_facets(grid: Float64Array, row_colours: Floats) -> Facets:
    """The quadrilaterals of a (rows, columns, 3) grid of points, one colour a row of them."""
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
    colour = np.repeat(row_colours, grid.shape[1] - 1, axis=0)
    return Facets(corners.reshape(-1, 4, 3).astype(np.float32), colour)


def draw_facets(facets: Facets, view: View) -> FacetHits:
    """Paint facets from back to front into an image of their numbers, then look everything up by number."""
    corners = facets.corners @ view.rotation.T
    order = np.argsort(corners[:, :, 2].mean(axis=1))
    corners, colour = corners[order], facets.colour[order]
    screen = np.stack(
        [(corners[:, :, 0] - view.corner[0]) / view.step, (view.corner[1] - corners[:, :, 1]) / view.step],
        axis=2,
    )
    numbers = Image.new("I", (view.size, view.size), 0)
    draw = ImageDraw.Draw(numbers)
    for number, outline in enumerate(screen.reshape(len(screen), 8).tolist(), start=1):
        draw.polygon(outline, fill=number)
    drawn = np.asarray(numbers).ravel()
    pixel = np.flatnonzero(drawn)
    shown = drawn[pixel] - 1
    normal = unit_vectors(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]).T)
    # Leaves are seen from both sides: the normal is the one that looks at the eye.
    normal = np.where(normal[2] < 0, -normal, normal)
    return FacetHits(pixel, corners[:, :, 2].mean(axis=1)[shown], normal[:, shown], colour[shown].T)
