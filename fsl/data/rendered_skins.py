"""The skins and cut faces of the rendered example objects: layers of colour, relief and gloss.

Patterns are functions of the place on the object, so they turn with it. Scalars are ``(N,)`` float32 arrays
over the visible points, and colours are linear light in 0..1.
"""

from __future__ import annotations

import colorsys
import functools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import ImageColor

from fsl.data.rendered_shapes import Floats, Ints, unit_vectors

GAMMA = 2.2
"""Linear light is the pixel value, 0..1, to this power."""

_NOISE_CELLS = 64
_NOISE_GRAIN = 4
_SHELL_CELLS = 36


@dataclass(frozen=True)
class Tint:
    """One specimen's departure from its class's colours."""

    hue: float
    saturation: float
    brightness: float

    def linear(self, colour: str) -> Floats:
        """A ``#rrggbb`` colour, tinted, as linear light: (3,) in 0..1."""
        red, green, blue = (channel / 255 for channel in ImageColor.getrgb(colour)[:3])
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        shifted = colorsys.hsv_to_rgb(
            (hue + self.hue) % 1.0, min(1.0, saturation * self.saturation), min(1.0, value * self.brightness)
        )
        return np.asarray(np.power(shifted, GAMMA), dtype=np.float32)


@dataclass
class Surface:
    """The visible points of one part of an object, for layers to paint on.

    Attributes:
        point: (3, N) in object space.
        direction: (3, N) unit vectors from the origin to the points.
        ratio: (N,) how far out the point is in its direction, 0..1 (1 on the skin).
        piece: (N,) the ball's number in a bunch.
        albedo: (3, N) linear colour, 0..1.
        relief: (N,) height of bumps; only differences count.
        gloss: (N,) strength of the highlight.
        shift: (3, 1) where in the noise this specimen lies.
        tint: hue (turns), saturation and brightness by which this specimen's colours differ.
    """

    point: Floats
    direction: Floats
    ratio: Floats
    piece: Ints
    albedo: Floats
    relief: Floats
    gloss: Floats
    shift: Floats
    tint: Tint

    def blend(self, colour: str, weight: Floats) -> None:
        """Mix a colour in by (N,) weights 0..1."""
        self.albedo += weight * (self.tint.linear(colour)[:, None] - self.albedo)

    def noise(self, scale: float, stretch: float = 1.0) -> Floats:
        """Smooth noise (N,), about -1..1, with ``scale`` blots a unit; ``stretch`` draws them out along y."""
        along = np.array([[1.0], [1.0 / stretch], [1.0]], dtype=np.float32)
        return sample_noise(self.point * along * np.float32(scale) + self.shift)

    def longitude(self) -> Floats:
        """Angle around the axis of growth, radians: (N,)."""
        return np.asarray(np.arctan2(self.point[2], self.point[0]), dtype=np.float32)


class Layer(Protocol):
    """Something that changes a surface's colour, relief or gloss."""

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Change ``surface`` in place."""


@dataclass(frozen=True)
class Mottle:
    """Soft blots of another colour."""

    colour: str
    scale: float
    amount: float
    stretch: float = 1.0
    threshold: float = 0.0

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend the colour in where the noise is high."""
        surface.blend(
            self.colour,
            self.amount * smooth_step(surface.noise(self.scale, self.stretch), self.threshold, 0.9),
        )


@dataclass(frozen=True)
class Blush:
    """One cheek that had the sun. ``reach`` is the cosine at which it ends; ``streaks`` frays its edge."""

    colour: str
    reach: float = 0.0
    amount: float = 0.9
    streaks: float = 0.25

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend the colour in around a random direction near the equator."""
        angle = rng.uniform(0, 2 * np.pi)
        towards = unit_vectors(
            np.array([[np.cos(angle)], [rng.uniform(-0.2, 0.5)], [np.sin(angle)]], np.float32)
        )
        facing = (surface.direction * towards).sum(axis=0) + self.streaks * surface.noise(7.0, 5.0)
        surface.blend(self.colour, self.amount * smooth_step(facing, self.reach - 0.35, self.reach + 0.45))


@dataclass(frozen=True)
class Pole:
    """Another colour at the upper (``end`` = 1) or lower (-1) end.

    ``start`` is the latitude (-1..1 towards that end) at which it is full and ``soft`` the way over which it
    fades; ``points`` and ``jag`` cut the edge into teeth, like a calyx.
    """

    colour: str
    start: float
    soft: float = 0.1
    end: int = 1
    amount: float = 1.0
    points: int = 0
    jag: float = 0.0
    gloss: float | None = None

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend the colour (and the gloss, if one is given) in towards the pole."""
        latitude = self.end * np.arcsin(np.clip(surface.direction[1], -1, 1)) * np.float32(2 / np.pi)
        edge = self.jag * surface.noise(6.0)
        if self.points:
            edge = self.jag * np.abs(np.sin(surface.longitude() * self.points / 2 + rng.uniform(0, 6)))
        weight = self.amount * smooth_step(latitude - edge, self.start - self.soft, self.start)
        surface.blend(self.colour, weight)
        if self.gloss is not None:
            surface.gloss += weight * (self.gloss - surface.gloss)


@dataclass(frozen=True)
class Speckles:
    """Round spots or pits, scattered evenly.

    ``radius`` is in radians seen from the centre; ``relief`` below 0 makes pits; ``elongate`` stretches the
    spots along the meridians; ``regular`` sets them on a spiral, as seeds grow, rather than at random.
    """

    colour: str
    count: int
    radius: float
    amount: float = 0.8
    relief: float = 0.0
    elongate: float = 1.0
    regular: bool = False
    rim: str | None = None

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend spots of the colour in; with a ``rim``, a wider halo of that colour around each."""
        centres = _spiral(self.count, rng) if self.regular else _scattered(self.count, rng)
        distance = _to_nearest(surface.direction, centres, self.elongate)
        if self.rim is not None:
            surface.blend(
                self.rim, self.amount * smooth_step(-distance, -2.1 * self.radius, -1.1 * self.radius)
            )
        surface.blend(
            self.colour, self.amount * smooth_step(-distance, -1.25 * self.radius, -0.7 * self.radius)
        )
        surface.relief += self.relief * smooth_step(-distance, -2.2 * self.radius, -0.6 * self.radius)


@dataclass(frozen=True)
class Stripes:
    """Wavy bands from pole to pole."""

    colour: str
    count: int
    width: float = 0.5
    wobble: float = 0.5
    amount: float = 0.9

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend the bands in."""
        wave = surface.longitude() * self.count + 2.2 * self.wobble * surface.noise(2.5)
        height = np.cos(wave) + self.wobble * surface.noise(9.0)
        surface.blend(
            self.colour, self.amount * smooth_step(height, 0.75 - 2 * self.width, 1.15 - 2 * self.width)
        )


@dataclass(frozen=True)
class Net:
    """A net of corky cracks."""

    colour: str
    scale: float
    width: float = 0.12
    relief: float = 0.01

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Draw lines where either of two noises passes through nought."""
        valley = np.minimum(
            np.abs(surface.noise(self.scale)), np.abs(surface.noise(self.scale * 1.13, 0.9) + 0.1)
        )
        line = smooth_step(-valley, -self.width, -0.25 * self.width)
        surface.blend(self.colour, 0.85 * line)
        surface.relief += self.relief * line


@dataclass(frozen=True)
class Grain:
    """Fine relief: the dimples of orange peel, the fuzz of a kiwi, the fibres of a coconut (``stretch``)."""

    scale: float
    relief: float
    stretch: float = 1.0

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Raise the relief by noise."""
        surface.relief += self.relief * surface.noise(self.scale, self.stretch)


@dataclass(frozen=True)
class Diamonds:
    """The lozenges of a pineapple, each with a dark border and a pale eye."""

    border: str
    eye: str
    around: int
    rows: float
    relief: float

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Colour and raise a lattice of two crossing families of spirals."""
        turn = surface.longitude() * np.float32(self.around / (2 * np.pi)) + np.float32(rng.uniform())
        climb = surface.point[1] * np.float32(self.rows)
        first, second = (turn + climb) % 1.0 - 0.5, (turn - climb) % 1.0 - 0.5
        inside = 1.0 - 2.0 * np.maximum(np.abs(first), np.abs(second))
        surface.blend(self.border, 0.9 * smooth_step(-inside, -0.34, -0.02))
        surface.blend(self.eye, 0.8 * smooth_step(-np.hypot(first, second), -0.16, -0.05))
        surface.relief += self.relief * np.minimum(inside * 1.6, 1.0)


@dataclass(frozen=True)
class PieceTints:
    """Balls of a bunch differ in colour."""

    colour: str
    amount: float

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend the colour in by a random amount a ball."""
        shares = rng.uniform(0, self.amount, size=int(surface.piece.max(initial=0)) + 1).astype(np.float32)
        surface.blend(self.colour, shares[surface.piece])


@dataclass(frozen=True)
class Rings:
    """A cut face's colours from the middle (0) to the skin (1)."""

    stops: tuple[tuple[float, str], ...]
    fray: float = 0.01

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Set the colour by the distance from the middle."""
        places = [place for place, _ in self.stops]
        colours = np.stack([surface.tint.linear(colour) for _, colour in self.stops])
        at = surface.ratio + self.fray * surface.noise(9.0)
        for channel in range(3):
            surface.albedo[channel] = np.interp(at, places, colours[:, channel])


@dataclass(frozen=True)
class Rays:
    """Streaks from the middle of a cut face between two rings."""

    colour: str
    count: int
    inner: float
    outer: float
    amount: float = 0.5
    sharp: float = 2.0

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend streaks in, frayed along their length."""
        wave = np.abs(
            np.cos(surface.longitude() * self.count / 2 + rng.uniform(0, 6) + 0.5 * surface.noise(3.0))
        )
        band = smooth_step(surface.ratio, self.inner, self.inner + 0.12) * smooth_step(
            -surface.ratio, -self.outer, -self.outer + 0.12
        )
        surface.blend(self.colour, self.amount * band * wave.astype(np.float32) ** np.float32(self.sharp))


@dataclass(frozen=True)
class Pips:
    """Seeds on a cut across the axis, in rings of ``count`` at the given fractions of the radius."""

    colour: str
    rings: tuple[float, ...]
    count: int
    size: float
    elongate: float = 1.8
    jitter: float = 0.04

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Blend drops of the colour in that point to the middle."""
        outline = float(np.hypot(surface.point[0], surface.point[2]).max(initial=0.0))
        for ring in self.rings:
            first = rng.uniform(0, 2 * np.pi)
            for number in range(self.count):
                angle = first + 2 * np.pi * (number + rng.uniform(-0.25, 0.25)) / self.count
                out = outline * (ring + rng.normal(scale=self.jitter))
                radial = surface.point[0] * np.cos(angle) + surface.point[2] * np.sin(angle) - out
                tangent = -surface.point[0] * np.sin(angle) + surface.point[2] * np.cos(angle)
                squeeze = 1.0 + 0.5 * np.clip(radial / (self.size * self.elongate), -1, 1)
                away = np.sqrt((radial / self.elongate) ** 2 + (tangent / squeeze) ** 2).astype(np.float32)
                weight = smooth_step(-away, -1.15 * self.size, -0.75 * self.size)
                surface.blend(self.colour, weight)
                surface.gloss += 0.5 * weight
                surface.relief += np.float32(0.4 * self.size) * weight


@dataclass(frozen=True)
class Wedges:
    """The segments of a citrus fruit between two rings, with pale walls and juicy streaks."""

    wall: str
    count: int
    inner: float
    outer: float
    width: float = 0.02

    def paint(self, surface: Surface, rng: np.random.Generator) -> None:
        """Draw the walls and raise the flesh between them."""
        sector = np.float32(2 * np.pi / self.count)
        turn = surface.longitude() / sector + np.float32(rng.uniform()) + 0.04 * surface.noise(3.0)
        to_wall = np.abs(turn - np.round(turn)) * sector * surface.ratio
        flesh = smooth_step(to_wall, self.width, 2.2 * self.width)
        flesh = flesh * smooth_step(surface.ratio, self.inner, self.inner + 0.07)
        flesh = flesh * smooth_step(-surface.ratio, -self.outer, -self.outer + 0.03)
        surface.blend(self.wall, 1.0 - flesh)
        surface.relief += 0.012 * flesh
        surface.gloss *= 0.3 + 0.7 * flesh


def smooth_step(value: Floats, low: float, high: float) -> Floats:
    """0 up to ``low``, 1 from ``high`` on, smooth between."""
    part = np.clip((value - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(part * part * (3.0 - 2.0 * part), dtype=np.float32)


def sample_noise(place: Floats) -> Floats:
    """Smooth noise at points (3, N), about -1..1, with about one blot a unit: (N,)."""
    volume = _noise_volume()
    scaled = place * np.float32(_NOISE_GRAIN)
    low = np.floor(scaled)
    part = scaled - low
    # The cube repeats and its side is a power of two: a bit mask wraps, much faster than a remainder.
    first = low.astype(np.intp) & (_NOISE_CELLS - 1)
    second = (first + 1) & (_NOISE_CELLS - 1)
    x, y, z = part
    plane, line = _NOISE_CELLS * _NOISE_CELLS, _NOISE_CELLS
    x0, x1, y0, y1 = first[0] * plane, second[0] * plane, first[1] * line, second[1] * line
    z0, z1 = first[2], second[2]

    def along_z(corner: Ints) -> Floats:
        here, there = volume[corner + z0], volume[corner + z1]
        return np.asarray(here + z * (there - here))

    near = along_z(x0 + y0)
    near += y * (along_z(x0 + y1) - near)
    far = along_z(x1 + y0)
    far += y * (along_z(x1 + y1) - far)
    return np.asarray(near + x * (far - near))


@functools.lru_cache(maxsize=1)
def _noise_volume() -> Floats:
    """A cube of smooth noise that repeats in every direction, flattened; the same in every run."""
    white = np.random.default_rng(7).normal(size=(_NOISE_CELLS,) * 3)
    frequency = np.fft.fftfreq(_NOISE_CELLS) * _NOISE_GRAIN
    squared = frequency[:, None, None] ** 2 + frequency[None, :, None] ** 2 + frequency[None, None, :] ** 2
    smooth = np.fft.ifftn(np.fft.fftn(white) * np.exp(-squared * 4.0)).real
    return np.asarray(np.clip(smooth / (2.0 * smooth.std()), -1.2, 1.2), dtype=np.float32).ravel()


def _spiral(count: int, rng: np.random.Generator) -> Floats:
    """Directions (3, count) on the golden spiral, from a random first one."""
    number = np.arange(count) + 0.5
    height = 1.0 - 2.0 * number / count
    angle = number * np.pi * (3.0 - np.sqrt(5.0)) + rng.uniform(0, 2 * np.pi)
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), height, ring * np.sin(angle)]).astype(np.float32)


def _scattered(count: int, rng: np.random.Generator) -> Floats:
    """Spread but irregular directions (3, count): the spiral's, each pushed a random way."""
    spiral = _spiral(count, rng)
    push = rng.normal(scale=1.1 / np.sqrt(count), size=spiral.shape)
    return unit_vectors((spiral + push).astype(np.float32))


def _to_nearest(direction: Floats, centres: Floats, elongate: float) -> Floats:
    """Angle (about) from each direction to the nearest centre, measured short along the meridian.

    The nearest centre is looked up by cell of a grid around the unit sphere: far fewer cells than pixels.
    """
    cells, middles = _shell()
    nearest_by_cell = np.zeros(_SHELL_CELLS**3, dtype=np.intp)
    nearest_by_cell[cells] = (middles.T @ centres).argmax(axis=1)
    x, y, z = np.minimum(((direction + 1.0) * (_SHELL_CELLS / 2)).astype(np.intp), _SHELL_CELLS - 1)
    nearest = nearest_by_cell[(x * _SHELL_CELLS + y) * _SHELL_CELLS + z]
    offset = direction - np.take(centres, nearest, axis=1)
    squared = (offset * offset).sum(axis=0)
    if elongate != 1.0:
        squared = squared - offset[1] ** 2 * np.float32(1.0 - 1.0 / elongate**2)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float32)


@functools.lru_cache(maxsize=1)
def _shell() -> tuple[Ints, Floats]:
    """The cells of a grid over -1..1 that the unit sphere crosses: flat numbers, and middles (3, N)."""
    along = (np.arange(_SHELL_CELLS) + 0.5) * (2 / _SHELL_CELLS) - 1.0
    middles = np.stack(np.meshgrid(along, along, along, indexing="ij")).reshape(3, -1)
    crossed = np.flatnonzero(np.abs(np.linalg.norm(middles, axis=0) - 1.0) < np.sqrt(3) / _SHELL_CELLS)
    return crossed, unit_vectors(middles[:, crossed].astype(np.float32))
