"""Solid bodies, whole or cut, and the rays that meet them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fsl.base.types import PixelArray
from tools.draw_fruit.geometry import (
    TINY,
    Floats,
    Hits,
    Ints,
    Part,
    Ribs,
    Solid,
    Stone,
    View,
    smooth_outline,
    unit_vectors,
)

_TABLE = 1024

_HIT = 0.004

_MAX_STEPS = 40

_COARSE = 2

# How far in front of the coarse grid's surface the fine rays start: it may rise between the coarse rays.
_HEAD_START = 0.04

_NORMAL_STEP = 0.012


class SolidForm:
    """One specimen of a :class:`Solid`: the form with its chance departures, ready to be traced."""

    def __init__(self, solid: Solid, rng: np.random.Generator) -> None:
        self.solid = solid
        stretch = 1.0 + solid.wobble * rng.uniform(-1.0, 1.0)
        curve = smooth_outline(solid.outline)
        curve[1] *= stretch
        self._radius, self._evenness = _polar_table(curve)
        self._skew = (solid.wobble * rng.normal(size=(3, 3)) / 2.0).astype(np.float32)
        self._phase = float(rng.uniform(0.0, 2.0 * np.pi))
        self._bend = solid.bend * float(rng.uniform(0.8, 1.15))

    @property
    def top(self) -> float:
        """Height of the upper pole."""
        return float(self._radius[-1] * self._swell(np.array([[0.0], [1.0], [0.0]], dtype=np.float32))[0])

    def radius_at(self, direction: Floats) -> Floats:
        """The body's radius along unit directions (3, N), before bending: (N,)."""
        return self._radius_and_evenness(direction)[0]

    def distance(self, point: Floats) -> Floats:
        """About how far object-space points (3, N) are from the surface, negative inside: (N,)."""
        straight = self.unbend(point)
        length = np.sqrt((straight * straight).sum(axis=0)) + TINY
        radius, evenness = self._radius_and_evenness(straight / length)
        away: Floats = (length - radius) * evenness
        cut = self.solid.cut
        if cut is None:
            return away
        plane = straight[1] if cut.direction == "across" else straight[2]
        away = np.maximum(away, np.maximum(plane, -cut.thickness - plane))
        if self.solid.hollow:
            away = np.maximum(away, np.float32(self.solid.hollow) - length)
        if self.solid.stone is not None:
            away = np.minimum(away, _to_stone(self.solid.stone, straight))
        return away

    def part(self, point: Floats) -> PixelArray:
        """Which part each surface point (3, N) lies on: (N,)."""
        cut = self.solid.cut
        parts = np.full(point.shape[1], Part.SKIN, dtype=np.uint8)
        if cut is not None:
            plane = point[1] if cut.direction == "across" else point[2]
            parts[plane > -2.0 * _HIT] = Part.FACE
            parts[np.sqrt((point * point).sum(axis=0)) < self.solid.hollow + 2.0 * _HIT] = Part.FACE
            if self.solid.stone is not None:
                parts[_to_stone(self.solid.stone, point) < 2.0 * _HIT] = Part.STONE
        return parts

    def shelter(self, point: Floats) -> Floats:
        """How little of the sky each surface point (3, N) sees from inside the hollow, 0..1: (N,)."""
        if not self.solid.hollow:
            return np.zeros(point.shape[1], dtype=np.float32)
        inside = np.sqrt((point * point).sum(axis=0)) < self.solid.hollow + 2.0 * _HIT
        return np.asarray(
            inside * np.clip(-point[1] / self.solid.hollow, 0.0, 1.0) ** 0.5 * 0.6, dtype=np.float32
        )

    def unbend(self, point: Floats) -> Floats:
        """Object space with the axis straightened."""
        if self._bend == 0.0:
            return point
        reach = 1.0 / self._bend
        x = point[0] + reach
        return np.stack([np.hypot(x, point[1]) - reach, reach * np.arctan2(point[1], x), point[2]])

    def bend(self, point: Floats) -> Floats:
        """The reverse of :meth:`unbend`."""
        if self._bend == 0.0:
            return point
        reach = 1.0 / self._bend
        angle = point[1] / reach
        return np.stack(
            [(reach + point[0]) * np.cos(angle) - reach, (reach + point[0]) * np.sin(angle), point[2]]
        )

    def hull(self) -> Floats:
        """Points (3, N) spread over the surface, for framing it."""
        height, angle = np.meshgrid(np.linspace(-1, 1, 33), np.linspace(0, 2 * np.pi, 96, endpoint=False))
        ring = np.sqrt(1.0 - height**2)
        unit = (
            np.stack([ring * np.cos(angle), height, ring * np.sin(angle)]).reshape(3, -1).astype(np.float32)
        )
        points = unit * self.radius_at(unit)
        cut = self.solid.cut
        if cut is not None:
            axis = 1 if cut.direction == "across" else 2
            # The half in front of the cut goes away; what it leaves is spanned by the other half and the rim.
            points[axis] = np.clip(points[axis], -cut.thickness, 0.0)
        return self.bend(points)

    def _radius_and_evenness(self, unit: Floats) -> tuple[Floats, Floats]:
        ring = np.sqrt(unit[0] ** 2 + unit[2] ** 2)
        place = (unit[1] / (np.abs(unit[1]) + ring + TINY) + 1.0) * np.float32((_TABLE - 1) / 2)
        left = np.clip(place.astype(np.int32), 0, _TABLE - 2)
        part = place - left
        radius = self._radius[left] * (1 - part) + self._radius[left + 1] * part
        radius = radius * self._swell(unit)
        evenness = self._evenness[left]
        if self.solid.ribs is not None:
            radius = radius * _lobes(self.solid.ribs, unit, ring, self._phase)
            evenness = evenness / np.float32(1.0 + self.solid.ribs.count * self.solid.ribs.depth * 0.6)
        return radius, evenness

    def _swell(self, unit: Floats) -> Floats:
        """Slight departure from the ideal radius, smooth over the body: a quadratic form of the direction."""
        return np.asarray(1.0 + ((self._skew @ unit) * unit).sum(axis=0), dtype=np.float32)


def _to_stone(stone: Stone, point: Floats) -> Floats:
    return np.asarray(np.sqrt(point[0] ** 2 + (point[1] - stone.y) ** 2 + point[2] ** 2) - stone.radius)


def _polar_table(curve: Floats) -> tuple[Floats, Floats]:
    """Two tables over the latitude y / (|y| + ring), -1..1: radius, and what makes |p| - radius a distance.

    That measure of latitude needs no trigonometry and, unlike a cosine, keeps its resolution at the poles.
    """
    ring, height = curve.astype(np.float64)
    latitude = height / (np.abs(height) + ring + 1e-9)
    order = np.argsort(latitude)
    grid = np.linspace(-1.0, 1.0, _TABLE)
    radius = np.interp(grid, latitude[order], np.hypot(ring, height)[order])
    angle = np.arctan2(grid, 1.0 - np.abs(grid))
    slope = np.gradient(radius, angle) / radius
    return radius.astype(np.float32), (1.0 / np.sqrt(1.0 + slope**2)).astype(np.float32)


def _lobes(ribs: Ribs, unit: Floats, ring: Floats, phase: float) -> Floats:
    half = np.arctan2(unit[2], unit[0]) * np.float32(ribs.count / 2) + np.float32(phase)
    # Without the fade the lobes would meet in a spike at the poles.
    depth = ribs.depth * np.minimum(ring * 1.6, 1.0)
    if ribs.ridged:
        return np.asarray(1.0 - depth * np.abs(np.sin(half)) ** np.float32(ribs.power), dtype=np.float32)
    return np.asarray(1.0 - depth * (1.0 - np.abs(np.cos(half)) ** np.float32(ribs.power)), dtype=np.float32)


def trace_solid(form: SolidForm, view: View) -> Hits:
    """Follow one ray per pixel to the body, first on a coarse grid that tells where the fine rays may start.

    The view's size must be even.
    """
    coarse = View(view.rotation, view.size // _COARSE, view.step * _COARSE, view.corner, view.near, view.far)
    everywhere = np.arange(coarse.size**2)
    start = np.full(len(everywhere), view.near, dtype=np.float32)
    first = _march(form, coarse, everywhere, start).reshape(coarse.size, coarse.size)
    start = _enlarged(_spread_max(first) + np.float32(_HEAD_START)).ravel()
    pixel = np.flatnonzero(np.isfinite(start))
    depth = _march(form, view, pixel, start[pixel])
    found = np.isfinite(depth)
    pixel, depth = pixel[found], depth[found]
    hit = _rays(view, pixel) + view.rotation[2][:, None] * depth
    straight = form.unbend(hit)
    length = np.sqrt((straight * straight).sum(axis=0)) + TINY
    return Hits(
        pixel=pixel,
        depth=depth,
        point=straight,
        normal=view.rotation @ _gradient(form.distance, hit),
        ratio=np.minimum(length / form.radius_at(straight / length), np.float32(1.0)),
        part=form.part(straight),
        shelter=form.shelter(straight),
        piece=np.zeros(len(pixel), dtype=np.int64),
    )


def _rays(view: View, pixel: Ints) -> Floats:
    """Where the rays through pixels cross the view's z = 0, in object space: (3, N)."""
    row, column = np.divmod(pixel, view.size)
    across = (view.corner[0] + (column + 0.5) * view.step).astype(np.float32)
    down = (view.corner[1] - (row + 0.5) * view.step).astype(np.float32)
    return np.asarray(view.rotation[0][:, None] * across + view.rotation[1][:, None] * down)


def _march(form: SolidForm, view: View, pixel: Ints, start: Floats) -> Floats:
    """Sphere tracing: view-space z where each pixel's ray meets the body, -inf where it misses: (N,)."""
    origin, ahead = _rays(view, pixel), view.rotation[2][:, None]
    depth = np.full(len(pixel), -np.inf, dtype=np.float32)
    active, here = np.arange(len(pixel)), start
    for _ in range(_MAX_STEPS):
        away = form.distance(origin + ahead * here)
        met = away < _HIT
        depth[active[met]] = here[met]
        here = here - np.maximum(away * np.float32(0.9), np.float32(_HIT))
        going = np.flatnonzero(~met & (here > view.far))
        if not len(going):
            break
        active, here, origin = active[going], here[going], np.take(origin, going, axis=1)
    return depth


def _spread_max(grid: Floats) -> Floats:
    """The greatest value among each cell and its eight neighbours."""
    padded = np.pad(grid, 1, constant_values=-np.inf)
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.asarray(np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:]))


def _enlarged(grid: Floats) -> Floats:
    return np.repeat(np.repeat(grid, _COARSE, axis=0), _COARSE, axis=1)


def _gradient(distance: Callable[[Floats], Floats], point: Floats) -> Floats:
    """Unit gradient by differences over a tetrahedron: four evaluations rather than six."""
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], dtype=np.float32)
    total = np.zeros_like(point)
    for corner in corners:
        total += corner[:, None] * distance(point + corner[:, None] * np.float32(_NORMAL_STEP))
    return unit_vectors(total)
