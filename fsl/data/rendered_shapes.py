"""The geometry of the rendered example objects: solids, bunches of balls, stems and leaves, seen in parallel.

Object space has its axis of growth along y (stem up). View space has x to the right, y up and z towards the
eye; rays run along -z. Lengths are in units of about half an object. Point arrays are ``(3, N)`` float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from fsl.base.types import Float32Array, Float64Array, IntArray, PixelArray

Floats = Float32Array
Ints = IntArray

_TABLE = 1024
_HIT = 0.004
_MAX_STEPS = 40
_COARSE = 2
# How far in front of the coarse grid's surface the fine rays start: it may rise between the coarse rays.
_HEAD_START = 0.04
_NORMAL_STEP = 0.012
_TINY = np.float32(1e-6)


class Part(IntEnum):
    """What a ray met."""

    SKIN = 0
    FACE = 1
    STONE = 2


@dataclass(frozen=True)
class Ribs:
    """Lobes around the axis.

    ``depth`` is the fraction of the radius lost in the valleys; a smaller ``power`` makes them narrower.
    ``ridged`` makes sharp ridges (star-fruit) instead of round lobes with creases between them (pumpkin).
    """

    count: int
    depth: float
    power: float = 1.0
    ridged: bool = False


@dataclass(frozen=True)
class Cut:
    """A flat cut through the middle.

    ``across`` leaves the lower half as a slab ``thickness`` deep; ``along`` leaves the half behind z = 0.
    """

    direction: Literal["across", "along"]
    thickness: float = 2.0


@dataclass(frozen=True)
class Stone:
    """A round stone that sits in a cut face, at height ``y`` on the axis."""

    radius: float
    y: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A body given by half its outline, as (radius, height) from the lower pole to the upper one.

    Every point of the outline must be visible from the origin. ``bend`` is the curvature of the axis (0 is
    straight); ``wobble`` how far single specimens depart from the ideal form.
    """

    outline: tuple[tuple[float, float], ...]
    ribs: Ribs | None = None
    bend: float = 0.0
    cut: Cut | None = None
    stone: Stone | None = None
    hollow: float = 0.0
    wobble: float = 0.05


@dataclass(frozen=True)
class Bunch:
    """Balls of one radius set in rings on an outline: grapes, berries. ``loose`` scatters them."""

    outline: tuple[tuple[float, float], ...]
    ball: float
    loose: float = 0.1


@dataclass(frozen=True)
class Stem:
    """A stalk on the upper pole; ``sink`` starts it below the pole, ``flare`` widens its foot."""

    length: float
    radius: float
    colour: str
    lean: float = 0.3
    sink: float = 0.04
    flare: float = 0.5


@dataclass(frozen=True)
class Leaves:
    """A whorl of leaves around the upper pole.

    ``rise`` is the angle above the horizontal at which they start and ``curl`` how far it turns by their tips
    (degrees, negative droops); ``base`` is the whorl's radius and ``lift`` its height above the pole.
    """

    count: int
    length: float
    width: float
    colour: str
    rise: float = 10.0
    curl: float = -60.0
    base: float = 0.02
    lift: float = 0.02


@dataclass(frozen=True)
class View:
    """Where the eye is: ``rotation`` turns object into view; a pixel is ``step`` wide.

    ``corner`` is the view-space (x, y) of the upper left corner of the ``size`` x ``size`` frame, and
    ``near`` and ``far`` bound the object's z.
    """

    rotation: Floats
    size: int
    step: float
    corner: tuple[float, float]
    near: float
    far: float


@dataclass
class Hits:
    """What the rays met, one entry per pixel of the frame that is covered.

    Attributes:
        pixel: (N,) flat pixel indices, row by row.
        depth: (N,) view-space z.
        point: (3, N) on the unbent body, in object space.
        normal: (3, N) unit, in view space.
        ratio: (N,) distance from the centre as a fraction of the body's radius that way (1 on the skin).
        part: (N,) values of :class:`Part`.
        shelter: (N,) 0 in the open to 1 in a crevice.
        piece: (N,) the number of the ball; 0 for solids.
    """

    pixel: Ints
    depth: Floats
    point: Floats
    normal: Floats
    ratio: Floats
    part: PixelArray
    shelter: Floats
    piece: Ints


@dataclass(frozen=True)
class Facets:
    """Small flat four-sided pieces of stems and leaves, in object space.

    Corners are (Q, 4, 3), colours (Q, 3) in linear light.
    """

    corners: Floats
    colour: Floats


def smooth_outline(points: tuple[tuple[float, float], ...], samples: int = 600) -> Floats:
    """A curve through the outline's points (centripetal Catmull-Rom, mirrored at the poles): (2, samples)."""
    inner = np.asarray(points, dtype=np.float64)
    mirrored = inner * (-1.0, 1.0)
    knots = np.vstack([mirrored[1], inner, mirrored[-2]])
    times = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1) ** 0.5)])
    slopes = np.gradient(knots, times, axis=0)
    at = np.linspace(times[1], times[-2], samples)
    left = np.clip(np.searchsorted(times, at, side="right") - 1, 1, len(times) - 3)
    width = times[left + 1] - times[left]
    u = ((at - times[left]) / width)[:, None]
    rise = width[:, None]
    curve = (
        (2 * u**3 - 3 * u**2 + 1) * knots[left]
        + (u**3 - 2 * u**2 + u) * rise * slopes[left]
        + (3 * u**2 - 2 * u**3) * knots[left + 1]
        + (u**3 - u**2) * rise * slopes[left + 1]
    )
    curve[:, 0] = np.maximum(curve[:, 0], 0.0)
    return np.asarray(curve.T, dtype=np.float32)


def rotation(spin: float, tilt: float, roll: float) -> Floats:
    """Object to view, angles in degrees.

    ``spin`` turns about the axis of growth, then ``tilt`` tips the top towards the eye, then ``roll`` turns
    in the picture's plane.
    """
    about_y, about_x, about_z = np.deg2rad([spin, tilt, roll])
    cy, sy, cx, sx = np.cos(about_y), np.sin(about_y), np.cos(about_x), np.sin(about_x)
    cz, sz = np.cos(about_z), np.sin(about_z)
    spun = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tipped = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    rolled = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(rolled @ tipped @ spun, dtype=np.float32)


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
        length = np.sqrt((straight * straight).sum(axis=0)) + _TINY
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
        place = (unit[1] / (np.abs(unit[1]) + ring + _TINY) + 1.0) * np.float32((_TABLE - 1) / 2)
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
    length = np.sqrt((straight * straight).sum(axis=0)) + _TINY
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


def unit_vectors(vectors: Floats) -> Floats:
    """The (3, N) vectors scaled to length 1."""
    return np.asarray(vectors / (np.sqrt((vectors * vectors).sum(axis=0)) + _TINY), dtype=np.float32)


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


@dataclass(frozen=True)
class FacetHits:
    """The pixels that stems and leaves cover: flat indices, z, unit normals (3, N), colours (3, N)."""

    pixel: Ints
    depth: Floats
    normal: Floats
    colour: Floats


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


def frame(points: Floats, turn: Floats, size: int, fill: float, offset: tuple[float, float]) -> View:
    """The view in which object-space points (3, N) fill a fraction of a square frame.

    Args:
        points: the object's extent.
        turn: object to view.
        size: the frame's width in pixels.
        fill: the longer side's fraction of the frame, 0..1.
        offset: by how many frame widths the object is off centre.
    """
    seen = turn @ points
    low, high = seen.min(axis=1), seen.max(axis=1)
    width = float(max(high[0] - low[0], high[1] - low[1])) / fill
    middle = (low + high) / 2
    corner = (float(middle[0]) - width * (0.5 + offset[0]), float(middle[1]) + width * (0.5 + offset[1]))
    return View(turn, size, width / size, corner, float(high[2]) + 0.08, float(low[2]) - 0.05)
