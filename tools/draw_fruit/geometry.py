"""Forms, what rays meet, and views: the words in which objects are described.

Object space has its axis of growth along y (stem up). View space has x to the right, y up and z towards the
eye; rays run along -z. Lengths are in units of about half an object. Point arrays are ``(3, N)`` float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np

from fsl.base.types import Float32Array, IntArray, PixelArray

Floats = Float32Array

Ints = IntArray

TINY = np.float32(1e-6)


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


@dataclass(frozen=True)
class FacetHits:
    """The pixels that stems and leaves cover: flat indices, z, unit normals (3, N), colours (3, N)."""

    pixel: Ints
    depth: Floats
    normal: Floats
    colour: Floats


def unit_vectors(vectors: Floats) -> Floats:
    """The (3, N) vectors scaled to length 1."""
    return np.asarray(vectors / (np.sqrt((vectors * vectors).sum(axis=0)) + TINY), dtype=np.float32)


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
