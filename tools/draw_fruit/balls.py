"""Bunches of balls: grapes and berries."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tools.draw_fruit.geometry import Bunch, Floats, Hits, Part, View, smooth_outline, unit_vectors


def place_balls(bunch: Bunch, rng: np.random.Generator) -> Floats:
    """Centres (3, B) of a bunch's balls, in rings from pole to pole along the outline."""
    curve = smooth_outline(bunch.outline)
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=1), axis=0))])
    rows = max(2, round(float(steps[-1]) / (bunch.ball * 1.55)) + 1)
    centres: list[tuple[float, float, float]] = []
    for at in np.linspace(0.0, steps[-1], rows):
        ring, height = float(np.interp(at, steps, curve[0])), float(np.interp(at, steps, curve[1]))
        count = max(1, round(2 * np.pi * ring / (bunch.ball * 1.75)))
        angles = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count
        centres += [(ring * np.cos(angle), height, ring * np.sin(angle)) for angle in angles]
    placed = np.asarray(centres).T
    return np.asarray(
        placed + rng.normal(scale=bunch.loose * bunch.ball, size=placed.shape), dtype=np.float32
    )


def trace_balls(centres: Floats, radius: float, view: View) -> Hits:
    """Draw every ball into a depth buffer."""
    size = view.size
    depth = np.full((size, size), -np.inf, dtype=np.float32)
    owner = np.zeros((size, size), dtype=np.int64)
    seen = view.rotation @ centres
    along = (np.arange(size) + 0.5) * view.step
    xs = (view.corner[0] + along).astype(np.float32)
    ys = (view.corner[1] - along).astype(np.float32)
    for number, (x, y, z) in enumerate(seen.T):
        columns = slice(*np.searchsorted(xs, [x - radius, x + radius]))
        rows = slice(*np.searchsorted(-ys, [-y - radius, -y + radius]))
        room = radius**2 - (xs[columns] - x) ** 2 - ((ys[rows] - y) ** 2)[:, None]
        height = np.where(room > 0, z + np.sqrt(np.maximum(room, 0)), -np.inf)
        nearer = height > depth[rows, columns]
        depth[rows, columns][nearer] = height[nearer]
        owner[rows, columns][nearer] = number
    pixel = np.flatnonzero(np.isfinite(depth))
    piece, front = owner.ravel()[pixel], depth.ravel()[pixel]
    row, column = np.divmod(pixel, size)
    point = np.stack([xs[column], ys[row], front])
    normal = unit_vectors(point - seen[:, piece])
    return Hits(
        pixel=pixel,
        depth=front,
        point=view.rotation.T @ point,
        normal=normal,
        ratio=np.ones(len(pixel), dtype=np.float32),
        part=np.full(len(pixel), Part.SKIN, dtype=np.uint8),
        shelter=_crevices(depth, radius).ravel()[pixel],
        piece=piece,
    )


def _crevices(depth: Floats, radius: float) -> Floats:
    """How far each pixel lies behind its surroundings, 0..1: light hardly reaches the gaps between balls."""
    covered = np.isfinite(depth)
    floor = depth[covered].min()
    filled = np.where(covered, depth, floor)
    coarse = Image.fromarray(filled).reduce(8)
    spread = np.asarray(coarse.resize((depth.shape[1], depth.shape[0]), Image.Resampling.BICUBIC))
    return np.asarray(np.clip((spread - filled) / (0.9 * radius), 0.0, 1.0), dtype=np.float32)
