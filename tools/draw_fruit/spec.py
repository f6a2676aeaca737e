"""What makes a class of drawn objects."""

from __future__ import annotations

from dataclasses import dataclass

from tools.draw_fruit.geometry import Bunch, Leaves, Solid, Stem
from tools.draw_fruit.surface import Layer

ROUND = ((0.0, -1.0), (0.5, -0.87), (0.87, -0.5), (1.0, 0.0), (0.87, 0.5), (0.5, 0.87), (0.0, 1.0))

"""Half the outline of a ball, a little flattened."""


@dataclass(frozen=True)
class Spec:
    """Everything that makes a class: form, skin, ornaments, and how much its specimens and views vary.

    ``colour`` is the skin's ground colour (``#rrggbb``), on which the layers of ``skin`` are painted in
    order; ``face`` are the layers of a cut face and ``stone`` those of a stone in it. ``gloss`` is the
    strength of the highlights and ``polish`` how tight they are. ``tilt``, ``spin`` and ``roll`` are ranges
    in degrees (see :func:`tools.draw_fruit.geometry.rotation`), ``hue`` is the spread of the hue in turns
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
