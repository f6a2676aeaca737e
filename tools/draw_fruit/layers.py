"""Patterns of skins and cut faces, painted on a surface one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.draw_fruit.geometry import unit_vectors
from tools.draw_fruit.surface import Surface, distance_to_nearest, scattered, smooth_step, spiral


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
        centres = spiral(self.count, rng) if self.regular else scattered(self.count, rng)
        distance = distance_to_nearest(surface.direction, centres, self.elongate)
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
