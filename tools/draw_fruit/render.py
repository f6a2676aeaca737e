"""Draw one object: its form, skin and light.

Every picture is a new specimen: its form, colours, spots, view and light are random within its class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from fsl.base.errors import SettingsError
from fsl.base.types import BoolArray, IntArray
from fsl.data.drawn_fruit import FRUIT_CLASSES
from tools.draw_fruit.balls import place_balls, trace_balls
from tools.draw_fruit.cut_fruit import CUT_FRUIT
from tools.draw_fruit.facets import draw_facets, join_facets, leaf_facets, stem_facets
from tools.draw_fruit.fruit import FRUIT
from tools.draw_fruit.geometry import (
    FacetHits,
    Facets,
    Floats,
    Hits,
    Part,
    Solid,
    Stem,
    View,
    frame,
    rotation,
    unit_vectors,
)
from tools.draw_fruit.solids import SolidForm, trace_solid
from tools.draw_fruit.spec import Spec
from tools.draw_fruit.surface import GAMMA, Surface, Tint
from tools.draw_fruit.vegetables import VEGETABLES

_SPECS = FRUIT | VEGETABLES | CUT_FRUIT
_MIN_SIZE = 16
_SUPERSAMPLE = 2
_STONE_COLOUR = "#6b3a18"
_LEAF_POLISH = 12.0
_AXES = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)[:, :, None]


@dataclass(frozen=True)
class Light:
    """Where the light comes from (unit, view space) and how strong it and its surroundings are."""

    towards: Floats
    strength: float
    ambient: float


def render_image(class_name: str, size: int, rng: np.random.Generator) -> Image.Image:
    """One new specimen of a class.

    Args:
        class_name: one of :data:`fsl.data.drawn_fruit.FRUIT_CLASSES`.
        size: the image's width and height in pixels, 16 or more.
        rng: decides everything about the specimen, its view and its light.

    Returns:
        An RGB image, size x size, white around the object.

    Raises:
        SettingsError: the class is unknown or the size too small.
    """
    spec = _spec(class_name)
    if size < _MIN_SIZE:
        raise SettingsError(f"An image of {size} pixels is too small: choose {_MIN_SIZE} or more.")
    return _render(spec, size, rng)


def render_examples(
    class_names: Sequence[str] | None, per_class: int, size: int, seed: int
) -> dict[str, list[Image.Image]]:
    """Several specimens of several classes, the same for the same seed.

    A class's images depend on the seed and its name only, not on which other classes are asked for. Asking
    for more of them leaves the first ones as they are.

    Args:
        class_names: some of :data:`fsl.data.drawn_fruit.FRUIT_CLASSES`, or None for all of them.
        per_class: images a class, 1 or more.
        size: the images' width and height in pixels, 16 or more.
        seed: any integer.

    Returns:
        RGB images by class, in the order asked for.

    Raises:
        SettingsError: a class is unknown, or a number is too small.
    """
    if per_class < 1:
        raise SettingsError(f"{per_class} images a class is too few: choose 1 or more.")
    names = FRUIT_CLASSES if class_names is None else tuple(class_names)
    for name in names:
        _spec(name)
    return {
        name: [render_image(name, size, _generator(name, number, seed)) for number in range(per_class)]
        for name in names
    }


def _spec(class_name: str) -> Spec:
    spec = _SPECS.get(class_name)
    if spec is None:
        known = ", ".join(FRUIT_CLASSES)
        raise SettingsError(f"There is no drawn class named {class_name!r}. Choose among: {known}.")
    return spec


def _generator(name: str, number: int, seed: int) -> np.random.Generator:
    """Hashed with SHA-256, since Python's own string hash changes from run to run."""
    digest = hashlib.sha256(f"{seed}/{number}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _render(spec: Spec, size: int, rng: np.random.Generator) -> Image.Image:
    turn = rotation(rng.uniform(*spec.spin), rng.uniform(*spec.tilt), rng.uniform(*spec.roll))
    tint = Tint(spec.hue * rng.normal(), rng.uniform(0.9, 1.08), rng.uniform(0.88, 1.1))
    fill = spec.fill * rng.uniform(0.86, 1.0)
    slack = 0.2 * (1.0 - fill)
    offset = (float(rng.uniform(-slack, slack)), float(rng.uniform(-slack, slack)))
    light = _light(rng)
    large = size * _SUPERSAMPLE
    if isinstance(spec.form, Solid):
        solid = SolidForm(spec.form, rng)
        facets = _bent(solid, _ornaments(spec, solid.top, tint, rng))
        view = frame(_extent(solid.hull(), facets), turn, large, fill, offset)
        hits = trace_solid(solid, view)
    else:
        centres = place_balls(spec.form, rng)
        facets = _ornaments(spec, float(centres[1].max()), tint, rng)
        hull = np.concatenate([centres + spec.form.ball * step for step in _AXES], axis=1)
        view = frame(_extent(hull, facets), turn, large, fill, offset)
        hits = trace_balls(centres, spec.form.ball, view)
    picture = _picture(spec, hits, facets, view, tint, light, rng)
    # The tent filter reaches into the neighbours: smoother edges than the mean of each pixel's own samples.
    return picture.resize((size, size), Image.Resampling.BILINEAR)


def _light(rng: np.random.Generator) -> Light:
    towards = np.array(
        [[rng.uniform(-0.65, -0.4)], [rng.uniform(0.45, 0.7)], [rng.uniform(0.6, 0.8)]], np.float32
    )
    return Light(unit_vectors(towards), float(rng.uniform(0.82, 0.98)), float(rng.uniform(0.3, 0.4)))


def _ornaments(spec: Spec, top: float, tint: Tint, rng: np.random.Generator) -> Facets:
    facets: list[Facets] = []
    for ornament in spec.ornaments:
        colour = tint.linear(ornament.colour)
        if isinstance(ornament, Stem):
            facets.append(stem_facets(ornament, top, colour, rng))
        else:
            facets += leaf_facets(ornament, top, colour, rng)
    return join_facets(facets)


def _bent(solid: SolidForm, facets: Facets) -> Facets:
    """The facets carried along with the body's bent axis."""
    corners = solid.bend(facets.corners.reshape(-1, 3).T).T.reshape(-1, 4, 3)
    return Facets(corners, facets.colour)


def _extent(hull: Floats, facets: Facets) -> Floats:
    """The body's points and the ornaments' corners together: (3, N)."""
    return np.concatenate([hull, facets.corners.reshape(-1, 3).T], axis=1)


def _picture(
    spec: Spec, hits: Hits, facets: Facets, view: View, tint: Tint, light: Light, rng: np.random.Generator
) -> Image.Image:
    """Paint, light and put on white what the rays met, at the view's own resolution."""
    pixels = view.size * view.size
    ornaments = _in_front(draw_facets(facets, view), hits, pixels)
    albedo, relief, gloss = _painted(spec, hits, tint, rng)
    normal = _bumped(hits, relief, view)
    open_sky = (1.0 - 0.75 * hits.shelter) * (1.0 - 0.45 * _thrown(ornaments.pixel, view)[hits.pixel])
    count = len(ornaments.pixel)
    matt, open_air = np.full(count, 0.15, dtype=np.float32), np.ones(count, dtype=np.float32)

    image = np.zeros((3, pixels), dtype=np.float32)
    image[:, hits.pixel] = _lit(albedo, normal, gloss, open_sky, spec.polish, light)
    image[:, ornaments.pixel] = _lit(ornaments.colour, ornaments.normal, matt, open_air, _LEAF_POLISH, light)
    covered = np.zeros(pixels, dtype=bool)
    covered[hits.pixel] = True
    covered[ornaments.pixel] = True
    ground = _ground(covered.reshape(view.size, view.size)).ravel()
    image = np.where(covered, np.clip(image, 0.0, 1.0) ** np.float32(1 / GAMMA), ground)
    values = np.rint(image * 255).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(values.T.reshape(view.size, view.size, 3)))


def _in_front(drawn: FacetHits, hits: Hits, pixels: int) -> FacetHits:
    """The ornaments' pixels that the body does not hide."""
    body_depth = np.full(pixels, -np.inf, dtype=np.float32)
    body_depth[hits.pixel] = hits.depth
    front = drawn.depth > body_depth[drawn.pixel]
    return FacetHits(drawn.pixel[front], drawn.depth[front], drawn.normal[:, front], drawn.colour[:, front])


def _painted(spec: Spec, hits: Hits, tint: Tint, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Albedo (3, N), relief (N,) and gloss (N,) of everything the rays met."""
    count = len(hits.pixel)
    albedo = np.empty((3, count), dtype=np.float32)
    relief = np.empty(count, dtype=np.float32)
    gloss = np.empty(count, dtype=np.float32)
    shift = rng.uniform(0, 64, size=(3, 1)).astype(np.float32)
    for part, layers, colour, shine in (
        (Part.SKIN, spec.skin, spec.colour, spec.gloss),
        (Part.FACE, spec.face, spec.colour, spec.face_gloss),
        (Part.STONE, spec.stone, _STONE_COLOUR, spec.gloss),
    ):
        chosen = np.flatnonzero(hits.part == part)
        point = hits.point[:, chosen]
        surface = Surface(
            point=point,
            direction=unit_vectors(point),
            ratio=hits.ratio[chosen],
            piece=hits.piece[chosen],
            albedo=np.repeat(tint.linear(colour)[:, None], len(chosen), axis=1),
            relief=np.zeros(len(chosen), dtype=np.float32),
            gloss=np.full(len(chosen), shine, dtype=np.float32),
            shift=shift,
            tint=tint,
        )
        for layer in layers:
            layer.paint(surface, rng)
        albedo[:, chosen], relief[chosen], gloss[chosen] = surface.albedo, surface.relief, surface.gloss
    return albedo, relief, gloss


def _bumped(hits: Hits, relief: Floats, view: View) -> Floats:
    """The normals (3, N) tipped by the relief's slope as seen in the picture."""
    if not relief.any():
        return hits.normal
    grid = np.zeros(view.size * view.size, dtype=np.float32)
    grid[hits.pixel] = relief
    down, across = np.gradient(grid.reshape(view.size, view.size), np.float32(view.step))
    slope = np.stack([across.ravel()[hits.pixel], -down.ravel()[hits.pixel]])
    # Near the outline the picture foreshortens the surface, and the slope jumps to nothing beyond it.
    slope = np.clip(slope, -0.8, 0.8) * np.clip(hits.normal[2] * 1.5, 0.0, 1.0)
    tipped = hits.normal.copy()
    tipped[:2] -= slope
    return unit_vectors(tipped)


def _lit(
    albedo: Floats, normal: Floats, gloss: Floats, open_sky: Floats, polish: float, light: Light
) -> Floats:
    """Linear light (3, N) leaving a surface towards the eye.

    A wrapped Lambert term, light from the white surroundings (some of it from the table below), a slightly
    darkened limb, and two Blinn highlights, a tight one and a broad one.
    """
    facing = (normal * light.towards).sum(axis=0)
    direct = np.clip((facing + 0.2) / 1.2, 0.0, 1.0) ** np.float32(1.2)
    around = light.ambient * (0.8 + 0.25 * normal[1] + 0.35 * np.clip(-normal[1], 0, 1) ** 2)
    limb = 0.68 + 0.32 * np.clip(normal[2], 0.0, 1.0)
    # Light that has bounced within the skin is more saturated: the shadows keep their colour.
    deep = albedo ** (1.0 + 0.25 * (1.0 - direct))
    halfway = unit_vectors(light.towards + np.array([[0.0], [0.0], [1.0]], dtype=np.float32))
    shine = np.clip((normal * halfway).sum(axis=0), 0.0, 1.0)
    highlight = 0.42 * shine ** np.float32(polish) + 0.1 * shine ** np.float32(polish / 6)
    rim = 0.1 * (1.0 - np.clip(normal[2], 0.0, 1.0)) ** 4
    colour = deep * ((1.15 * light.strength * direct + around) * limb * open_sky)
    return np.asarray(colour + gloss * open_sky * (light.strength * highlight + rim), dtype=np.float32)


def _thrown(shown: IntArray, view: View) -> Floats:
    """How much of the light stems and leaves take from each pixel of the body: (pixels,), 0..1."""
    mask = np.zeros((view.size, view.size), dtype=np.uint8)
    mask.ravel()[shown] = 255
    reach = max(1, view.size // 50)
    moved = np.zeros_like(mask)
    moved[reach:, reach:] = mask[:-reach, :-reach]
    blurred = Image.fromarray(moved).filter(ImageFilter.GaussianBlur(view.size / 90))
    return np.asarray(blurred, dtype=np.float32).ravel() / np.float32(255)


def _ground(covered: BoolArray) -> Floats:
    """The white table, 0..1, with the object's soft shadow to its lower right."""
    size = len(covered)
    mask = Image.fromarray(np.where(covered, np.uint8(255), np.uint8(0))).reduce(_SUPERSAMPLE)
    shade = np.zeros((size, size), dtype=np.float32)
    # A dark rim where the object touches the table, and a wide pale shadow further out.
    for distance, blur, strength in ((0.012, 0.012, 0.2), (0.03, 0.035, 0.2)):
        move = max(1, round(distance * mask.width))
        moved = Image.new("L", mask.size, 0)
        moved.paste(mask, (move, move))
        soft = moved.filter(ImageFilter.GaussianBlur(blur * mask.width)).resize(
            (size, size), Image.Resampling.BILINEAR
        )
        shade += strength * np.asarray(soft, dtype=np.float32) / 255
    return np.asarray(1.0 - shade, dtype=np.float32)
