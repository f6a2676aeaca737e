"""The visible points of an object, which layers of colour, relief and gloss are painted on.

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

from tools.draw_fruit.geometry import Floats, Ints, unit_vectors

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


def spiral(count: int, rng: np.random.Generator) -> Floats:
    """Directions (3, count) on the golden spiral, from a random first one."""
    number = np.arange(count) + 0.5
    height = 1.0 - 2.0 * number / count
    angle = number * np.pi * (3.0 - np.sqrt(5.0)) + rng.uniform(0, 2 * np.pi)
    ring = np.sqrt(1.0 - height**2)
    return np.stack([ring * np.cos(angle), height, ring * np.sin(angle)]).astype(np.float32)


def scattered(count: int, rng: np.random.Generator) -> Floats:
    """Spread but irregular directions (3, count): the spiral's, each pushed a random way."""
    even = spiral(count, rng)
    push = rng.normal(scale=1.1 / np.sqrt(count), size=even.shape)
    return unit_vectors((even + push).astype(np.float32))


def distance_to_nearest(direction: Floats, centres: Floats, elongate: float) -> Floats:
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
