"""Example classes drawn by the program itself: fruit-like objects on white, in the manner of Fruits-360.

Every image is a new specimen: its form, colours, spots, view and light are drawn at random within its
class. Forms come from :mod:`fsl.data.rendered_shapes` and skins from :mod:`fsl.data.rendered_skins`; here
are the classes and the light.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from fsl.base.errors import SettingsError
from fsl.base.types import BoolArray, IntArray
from fsl.data.rendered_shapes import (
    Bunch,
    Cut,
    FacetHits,
    Facets,
    Floats,
    Hits,
    Leaves,
    Part,
    Ribs,
    Solid,
    SolidForm,
    Stem,
    Stone,
    View,
    draw_facets,
    frame,
    join_facets,
    leaf_facets,
    place_balls,
    rotation,
    stem_facets,
    trace_balls,
    trace_solid,
    unit_vectors,
)
from fsl.data.rendered_skins import (
    GAMMA,
    Blush,
    Diamonds,
    Grain,
    Layer,
    Mottle,
    Net,
    PieceTints,
    Pips,
    Pole,
    Rays,
    Rings,
    Speckles,
    Stripes,
    Surface,
    Tint,
    Wedges,
)

_MIN_SIZE = 16
_SUPERSAMPLE = 2
_STONE_COLOUR = "#6b3a18"
_LEAF_POLISH = 12.0
_AXES = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)[:, :, None]


@dataclass(frozen=True)
class Spec:
    """Everything that makes a class: form, skin, ornaments, and how much its specimens and views vary.

    ``colour`` is the skin's ground colour (``#rrggbb``), on which the layers of ``skin`` are painted in
    order; ``face`` are the layers of a cut face and ``stone`` those of a stone in it. ``gloss`` is the
    strength of the highlights and ``polish`` how tight they are. ``tilt``, ``spin`` and ``roll`` are ranges
    in degrees (see :func:`fsl.data.rendered_shapes.rotation`), ``hue`` is the spread of the hue in turns
    and ``fill`` the greatest share of the frame's width.
    """

    form: Solid | Bunch
    colour: str
    skin: tuple[Layer, ...] = ()
    face: tuple[Layer, ...] = ()
    stone: tuple[Layer, ...] = ()
    ornaments: tuple[Stem | Leaves, ...] = ()
    gloss: float = 0.5
    face_gloss: float = 0.2
    polish: float = 40.0
    tilt: tuple[float, float] = (-5.0, 50.0)
    spin: tuple[float, float] = (0.0, 360.0)
    roll: tuple[float, float] = (-35.0, 35.0)
    hue: float = 0.012
    fill: float = 0.84


_ROUND = ((0.0, -1.0), (0.5, -0.87), (0.87, -0.5), (1.0, 0.0), (0.87, 0.5), (0.5, 0.87), (0.0, 1.0))
_APPLE = (
    (0.0, -0.74),
    (0.16, -0.84),
    (0.45, -0.8),
    (0.8, -0.45),
    (0.98, 0.1),
    (0.88, 0.55),
    (0.55, 0.84),
    (0.22, 0.82),
    (0.0, 0.58),
)

_SPECS: dict[str, Spec] = {
    "strawberry": Spec(
        form=Solid(
            (
                (0.0, -1.15),
                (0.2, -1.07),
                (0.5, -0.65),
                (0.76, -0.1),
                (0.86, 0.35),
                (0.68, 0.72),
                (0.3, 0.84),
                (0.0, 0.8),
            ),
            wobble=0.09,
        ),
        colour="#c3101b",
        skin=(
            Mottle("#e2322b", 2.0, 0.6),
            Pole("#efb59a", 0.85, 0.35, amount=0.55),
            Speckles("#e8c75a", 190, 0.03, 0.95, relief=-0.03, elongate=1.7, regular=True, rim="#8f0813"),
        ),
        ornaments=(
            Leaves(9, 0.62, 0.24, "#4f8f2b", rise=25, curl=-75, base=0.05),
            Stem(0.42, 0.04, "#6d9a3c"),
        ),
        gloss=0.8,
        polish=50,
        tilt=(-10, 45),
        roll=(-60, 60),
    ),
    "banana": Spec(
        form=Solid(
            (
                (0.0, -1.75),
                (0.07, -1.72),
                (0.12, -1.6),
                (0.3, -1.2),
                (0.4, -0.6),
                (0.43, 0.0),
                (0.4, 0.6),
                (0.28, 1.2),
                (0.15, 1.5),
                (0.115, 1.72),
                (0.1, 1.86),
                (0.065, 1.93),
                (0.0, 1.95),
            ),
            ribs=Ribs(5, 0.1, 1.5),
            bend=0.48,
        ),
        colour="#f4c623",
        skin=(
            Mottle("#d9a514", 1.5, 0.5),
            Mottle("#5b3a12", 5.0, 0.75, stretch=2.0, threshold=0.45),
            Pole("#a9b43a", 0.86, 0.12, amount=0.7),
            Pole("#3b2a14", 0.975, 0.02),
            Pole("#33240f", 0.955, 0.03, end=-1),
        ),
        gloss=0.25,
        polish=18,
        tilt=(-20, 20),
        spin=(-25, 25),
        roll=(-180, 180),
        fill=0.85,
        hue=0.007,
    ),
    "kiwi slice": Spec(
        form=Solid(_ROUND, cut=Cut("across", 0.34), wobble=0.07),
        colour="#6b4f2a",
        skin=(Mottle("#8a6a3c", 9.0, 0.7), Grain(16.0, 0.02)),
        face=(
            Rings(
                (
                    (0.0, "#eef0c4"),
                    (0.2, "#e6ecae"),
                    (0.3, "#9cc23c"),
                    (0.6, "#7fb02a"),
                    (0.9, "#6da022"),
                    (0.955, "#8aa84a"),
                    (0.975, "#6b4f2a"),
                )
            ),
            Rays("#d3e48a", 34, 0.2, 0.85, 0.55),
            Pips("#17130d", (0.34, 0.43), 17, 0.022, 2.0, 0.02),
        ),
        gloss=0.45,
        tilt=(55, 88),
        roll=(-180, 180),
    ),
    "grapes": Spec(
        form=Bunch(
            ((0.0, -1.15), (0.2, -0.85), (0.45, -0.3), (0.62, 0.2), (0.5, 0.55), (0.0, 0.62)), 0.24, 0.16
        ),
        colour="#4b1d55",
        skin=(PieceTints("#7a2f5c", 0.8), Mottle("#b7a6c6", 2.2, 0.4), Mottle("#2a0f33", 3.0, 0.5)),
        ornaments=(Stem(0.6, 0.045, "#7a6a34", sink=0.1, lean=0.5),),
        gloss=0.8,
        polish=45,
        tilt=(-15, 35),
        hue=0.02,
    ),
    "pineapple": Spec(
        form=Solid(
            (
                (0.0, -1.05),
                (0.4, -1.0),
                (0.66, -0.7),
                (0.74, -0.1),
                (0.68, 0.5),
                (0.48, 0.85),
                (0.2, 0.95),
                (0.0, 0.96),
            )
        ),
        colour="#d0912a",
        skin=(
            Mottle("#8f9a35", 1.4, 0.7),
            Diamonds("#5d3d14", "#ecd28a", 11, 1.75, 0.06),
        ),
        ornaments=(
            Leaves(9, 0.75, 0.2, "#3f7a3a", rise=35, curl=-50, base=0.16, lift=-0.06),
            Leaves(8, 0.95, 0.2, "#4a8a44", rise=58, curl=-40, base=0.1, lift=-0.02),
            Leaves(6, 1.05, 0.18, "#5c9a50", rise=78, curl=-20, base=0.05),
        ),
        gloss=0.35,
        polish=20,
        tilt=(-5, 30),
        roll=(-45, 45),
        fill=0.86,
    ),
    "red apple": Spec(
        form=Solid(_APPLE),
        colour="#b3121d",
        skin=(
            Mottle("#e0602a", 1.3, 0.55, stretch=3.0, threshold=0.1),
            Mottle("#7d0712", 5.0, 0.5, stretch=8.0),
            Speckles("#f0c9a0", 160, 0.016, 0.55),
            Pole("#c9a23a", 0.86, 0.25, amount=0.8, jag=0.1),
        ),
        ornaments=(Stem(0.5, 0.035, "#5b3a1c", sink=0.05),),
        gloss=0.75,
        tilt=(5, 50),
    ),
    "pear": Spec(
        form=Solid(
            (
                (0.0, -0.95),
                (0.2, -1.02),
                (0.55, -0.92),
                (0.85, -0.45),
                (0.8, 0.05),
                (0.52, 0.55),
                (0.37, 0.95),
                (0.22, 1.18),
                (0.0, 1.2),
            )
        ),
        colour="#a9b83a",
        skin=(
            Mottle("#d6c64a", 1.2, 0.7),
            Blush("#c9772f", 0.45, 0.6),
            Speckles("#6f6a2a", 240, 0.013, 0.6),
            Pole("#8a6a35", 0.9, 0.2, amount=0.6, jag=0.1),
        ),
        ornaments=(Stem(0.42, 0.045, "#5a3d1e", lean=0.5),),
        gloss=0.4,
        tilt=(-10, 40),
    ),
    "orange": Spec(
        form=Solid(_ROUND, wobble=0.04),
        colour="#ee7d0e",
        skin=(
            Mottle("#f59a1c", 1.4, 0.6),
            Grain(17.0, 0.006),
            Speckles("#c45c06", 300, 0.014, 0.45, relief=-0.006),
            Pole("#6f8a32", 0.955, 0.02, points=5, jag=0.02),
            Pole("#c8650a", 0.93, 0.1, end=-1, amount=0.4),
        ),
        gloss=0.55,
        polish=25,
        tilt=(-30, 70),
        roll=(-180, 180),
    ),
    "aubergine": Spec(
        form=Solid(
            (
                (0.0, -1.35),
                (0.35, -1.27),
                (0.62, -0.95),
                (0.7, -0.5),
                (0.56, 0.1),
                (0.4, 0.7),
                (0.33, 1.1),
                (0.2, 1.3),
                (0.0, 1.36),
            ),
            bend=0.18,
        ),
        colour="#321041",
        skin=(
            Mottle("#4a1a5c", 1.2, 0.5),
            Pole("#6f8f3f", 0.78, 0.02, points=5, jag=0.13, gloss=0.2),
        ),
        ornaments=(Stem(0.45, 0.09, "#6a8a3c", sink=0.08, lean=0.5),),
        gloss=1.1,
        polish=60,
        tilt=(-15, 35),
        roll=(-120, 120),
    ),
    "avocado half": Spec(
        form=Solid(
            (
                (0.0, -1.0),
                (0.45, -0.92),
                (0.78, -0.5),
                (0.76, 0.0),
                (0.52, 0.55),
                (0.37, 0.95),
                (0.2, 1.15),
                (0.0, 1.18),
            ),
            cut=Cut("along"),
            stone=Stone(0.4, -0.28),
        ),
        colour="#2f3a1c",
        skin=(Mottle("#4a5a2a", 6.0, 0.7), Grain(12.0, 0.03)),
        face=(
            Rings(
                (
                    (0.0, "#efe9a0"),
                    (0.62, "#ece792"),
                    (0.82, "#c9d768"),
                    (0.92, "#8fb23f"),
                    (0.955, "#5f8a2c"),
                    (0.97, "#2f3a1c"),
                )
            ),
        ),
        stone=(Mottle("#8a5226", 2.0, 0.6),),
        gloss=0.4,
        tilt=(-28, 28),
        spin=(-32, 32),
        roll=(-180, 180),
    ),
    "watermelon": Spec(
        form=Solid(
            ((0.0, -1.12), (0.5, -0.98), (0.85, -0.58), (0.98, 0.0), (0.85, 0.58), (0.5, 0.98), (0.0, 1.12)),
            wobble=0.03,
        ),
        colour="#6fa44a",
        skin=(
            Stripes("#16441f", 9, 0.44, 0.55),
            Mottle("#9cc27a", 5.0, 0.35),
            Pole("#b9a85a", 0.97, 0.03),
        ),
        ornaments=(Stem(0.2, 0.04, "#7a7a3a"),),
        gloss=0.6,
        tilt=(-25, 45),
        roll=(-120, 120),
    ),
    "pumpkin": Spec(
        form=Solid(
            (
                (0.0, -0.56),
                (0.25, -0.7),
                (0.65, -0.64),
                (1.0, -0.2),
                (1.02, 0.15),
                (0.75, 0.58),
                (0.3, 0.66),
                (0.0, 0.46),
            ),
            ribs=Ribs(12, 0.13, 0.6),
        ),
        colour="#e0701a",
        skin=(Mottle("#f09a35", 1.6, 0.6), Mottle("#b9500e", 6.0, 0.4, stretch=4.0)),
        ornaments=(Stem(0.5, 0.11, "#6f7a3a", sink=0.06, lean=0.6, flare=0.9),),
        gloss=0.4,
        polish=20,
        tilt=(0, 50),
        roll=(-25, 25),
    ),
    "lemon": Spec(
        form=Solid(
            (
                (0.0, -1.3),
                (0.13, -1.24),
                (0.22, -1.1),
                (0.55, -0.8),
                (0.83, -0.25),
                (0.83, 0.25),
                (0.58, 0.76),
                (0.25, 1.04),
                (0.12, 1.14),
                (0.0, 1.17),
            )
        ),
        colour="#f3d31b",
        skin=(
            Mottle("#f7e04a", 1.5, 0.6),
            Grain(15.0, 0.007),
            Pole("#9fae35", 0.97, 0.12, end=-1, amount=0.6),
            Pole("#8a7a2a", 0.96, 0.03),
        ),
        gloss=0.5,
        polish=25,
        tilt=(-30, 30),
        roll=(-180, 180),
    ),
    "tomato": Spec(
        form=Solid(
            (
                (0.0, -0.76),
                (0.3, -0.78),
                (0.75, -0.5),
                (0.97, 0.0),
                (0.85, 0.5),
                (0.5, 0.74),
                (0.2, 0.72),
                (0.0, 0.6),
            ),
            ribs=Ribs(5, 0.035, 1.0),
        ),
        colour="#d3210f",
        skin=(Mottle("#e8481a", 1.2, 0.5), Pole("#c98a2a", 0.9, 0.25, amount=0.45)),
        ornaments=(
            Leaves(5, 0.6, 0.15, "#3f7a26", rise=10, curl=25, base=0.03, lift=0.06),
            Stem(0.3, 0.045, "#4f8030", sink=0.0),
        ),
        gloss=1.0,
        polish=70,
        tilt=(5, 65),
    ),
    "star-fruit slice": Spec(
        form=Solid(_ROUND, ribs=Ribs(5, 0.56, 0.75, ridged=True), cut=Cut("across", 0.26)),
        colour="#d9b81e",
        skin=(Mottle("#b7c03a", 2.0, 0.6),),
        face=(
            Rings(
                ((0.0, "#f4efb0"), (0.25, "#f1e68a"), (0.7, "#ecd84f"), (0.92, "#dcc02a"), (1.0, "#a8a020"))
            ),
            Rays("#fbf6cf", 5, 0.05, 0.85, 0.6, 6.0),
            Pips("#6b4a1c", (0.2,), 5, 0.028, 2.2, 0.01),
        ),
        gloss=0.6,
        tilt=(52, 88),
        roll=(-180, 180),
    ),
    "chilli": Spec(
        form=Solid(
            (
                (0.0, -1.9),
                (0.05, -1.8),
                (0.15, -1.2),
                (0.25, -0.4),
                (0.31, 0.5),
                (0.34, 1.1),
                (0.28, 1.4),
                (0.1, 1.5),
                (0.0, 1.5),
            ),
            bend=0.3,
            wobble=0.08,
        ),
        colour="#c4120f",
        skin=(Mottle("#e5351b", 1.5, 0.6), Pole("#4d8a2c", 0.9, 0.015, points=5, jag=0.03, gloss=0.3)),
        ornaments=(Stem(0.65, 0.06, "#5d9035", sink=0.1, lean=0.5),),
        gloss=1.1,
        polish=55,
        tilt=(-20, 20),
        roll=(-180, 180),
        fill=0.86,
    ),
    "yellow pepper": Spec(
        form=Solid(
            (
                (0.0, -0.78),
                (0.2, -0.96),
                (0.5, -0.95),
                (0.72, -0.6),
                (0.84, 0.2),
                (0.78, 0.66),
                (0.45, 0.9),
                (0.2, 0.84),
                (0.0, 0.68),
            ),
            ribs=Ribs(4, 0.17, 0.8),
            wobble=0.08,
        ),
        colour="#efb50c",
        skin=(Mottle("#f6cf2f", 1.2, 0.6), Pole("#9aac3a", 0.93, 0.1, amount=0.7)),
        ornaments=(Stem(0.5, 0.085, "#4d8a2f", sink=0.05, lean=0.4, flare=1.2),),
        gloss=1.0,
        polish=55,
        tilt=(0, 45),
    ),
    "coconut half": Spec(
        form=Solid(_ROUND, cut=Cut("across"), hollow=0.7, wobble=0.05),
        colour="#5d3a1e",
        skin=(
            Mottle("#9a7040", 14.0, 0.9, stretch=6.0),
            Mottle("#38200f", 10.0, 0.8, stretch=6.0),
            Grain(16.0, 0.03, stretch=5.0),
        ),
        face=(
            Rings(
                ((0.0, "#e9e6dc"), (0.68, "#f3f1ea"), (0.72, "#fbfaf6"), (0.9, "#faf8f2"), (0.925, "#4a2c14"))
            ),
            Mottle("#e4ddcc", 4.0, 0.3),
        ),
        gloss=0.12,
        polish=10,
        tilt=(25, 70),
        roll=(-50, 50),
    ),
    "green apple": Spec(
        form=Solid(_APPLE),
        colour="#7fb52a",
        skin=(
            Mottle("#a8cc4a", 1.3, 0.6),
            Speckles("#e3efb0", 220, 0.014, 0.7),
            Pole("#8a7a35", 0.88, 0.15, amount=0.6, jag=0.1),
        ),
        ornaments=(
            Stem(0.5, 0.035, "#5b4320", sink=0.05),
            Leaves(1, 1.0, 0.44, "#3f8a2f", rise=55, curl=-65, lift=-0.02),
        ),
        gloss=0.8,
        tilt=(5, 50),
    ),
    "peach": Spec(
        form=Solid(
            (
                (0.0, -0.98),
                (0.3, -0.92),
                (0.8, -0.5),
                (0.97, 0.05),
                (0.82, 0.55),
                (0.45, 0.84),
                (0.15, 0.8),
                (0.0, 0.66),
            ),
            ribs=Ribs(1, 0.12, 0.12),
        ),
        colour="#f3b258",
        skin=(
            Mottle("#f8cd86", 1.5, 0.6),
            Blush("#cc3f3c", 0.2, 0.85, 0.16),
            Mottle("#b02a30", 1.6, 0.35, threshold=0.2),
            Pole("#d9822f", 0.9, 0.2, amount=0.5),
            Grain(22.0, 0.003),
        ),
        gloss=0.1,
        polish=7,
        tilt=(-5, 60),
    ),
    "plum": Spec(
        form=Solid(
            (
                (0.0, -1.1),
                (0.5, -0.95),
                (0.83, -0.52),
                (0.9, 0.0),
                (0.8, 0.52),
                (0.45, 0.92),
                (0.15, 0.98),
                (0.0, 0.92),
            ),
            ribs=Ribs(1, 0.09, 0.12),
            wobble=0.07,
        ),
        colour="#3d1740",
        skin=(
            Mottle("#6b2348", 1.3, 0.7),
            Mottle("#9a8fc0", 1.8, 0.55),
            Speckles("#a58bb5", 120, 0.012, 0.5),
        ),
        ornaments=(Stem(0.3, 0.03, "#6a5a2a"),),
        gloss=0.5,
        polish=22,
        tilt=(0, 50),
    ),
    "raspberry": Spec(
        form=Bunch(
            ((0.0, -1.0), (0.4, -0.85), (0.72, -0.3), (0.78, 0.2), (0.6, 0.6), (0.0, 0.72)), 0.17, 0.1
        ),
        colour="#c2183f",
        skin=(PieceTints("#e2456a", 0.6), Mottle("#f08aa0", 4.0, 0.35)),
        ornaments=(
            Leaves(7, 0.75, 0.22, "#6a9a3c", rise=35, curl=-60, base=0.04, lift=0.12),
            Stem(0.4, 0.035, "#7a9a4a", sink=-0.1),
        ),
        gloss=0.6,
        polish=35,
        tilt=(-10, 45),
        roll=(-80, 80),
    ),
    "melon": Spec(
        form=Solid(_ROUND, ribs=Ribs(10, 0.035, 0.7), wobble=0.05),
        colour="#b9a457",
        skin=(Mottle("#94a050", 1.5, 0.7), Net("#ece0b4", 6.0, 0.2, 0.02)),
        ornaments=(Stem(0.22, 0.07, "#8a8548", flare=1.0),),
        gloss=0.15,
        polish=12,
        tilt=(-10, 50),
    ),
    "orange half": Spec(
        form=Solid(_ROUND, cut=Cut("across"), wobble=0.03),
        colour="#ee7d0e",
        skin=(Grain(17.0, 0.007), Mottle("#f59a1c", 1.4, 0.6)),
        face=(
            Rings(
                (
                    (0.0, "#f7e3b0"),
                    (0.06, "#f79a1e"),
                    (0.6, "#f48a10"),
                    (0.87, "#f08208"),
                    (0.955, "#f0e0b0"),
                    (0.97, "#ee7d0e"),
                )
            ),
            Rays("#fbb94a", 90, 0.1, 0.88, 0.5),
            Wedges("#f8e8bd", 10, 0.06, 0.91),
        ),
        gloss=0.6,
        tilt=(35, 85),
        roll=(-60, 60),
    ),
}

RENDERED_CLASSES: tuple[str, ...] = tuple(_SPECS)
"""The names of the classes that can be rendered; the first few differ most."""


@dataclass(frozen=True)
class Light:
    """Where the light comes from (unit, view space) and how strong it and its surroundings are."""

    towards: Floats
    strength: float
    ambient: float


def render_image(class_name: str, size: int, rng: np.random.Generator) -> Image.Image:
    """One new specimen of a class.

    Args:
        class_name: one of :data:`RENDERED_CLASSES`.
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
        class_names: some of :data:`RENDERED_CLASSES`, or None for all of them.
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
    names = RENDERED_CLASSES if class_names is None else tuple(class_names)
    for name in names:
        _spec(name)
    return {
        name: [render_image(name, size, _generator(name, number, seed)) for number in range(per_class)]
        for name in names
    }


def _spec(class_name: str) -> Spec:
    spec = _SPECS.get(class_name)
    if spec is None:
        known = ", ".join(RENDERED_CLASSES)
        raise SettingsError(f"There is no rendered class named {class_name!r}. Choose among: {known}.")
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
