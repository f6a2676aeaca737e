"""Slices and halves of fruit."""

from __future__ import annotations

from tools.draw_fruit.geometry import Cut, Ribs, Solid, Stone
from tools.draw_fruit.layers import Grain, Mottle, Pips, Rays, Rings, Wedges
from tools.draw_fruit.spec import ROUND, Spec

CUT_FRUIT: dict[str, Spec] = {
    "kiwi slice": Spec(
        form=Solid(ROUND, cut=Cut("across", 0.34), wobble=0.07),
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
    "star-fruit slice": Spec(
        form=Solid(ROUND, ribs=Ribs(5, 0.56, 0.75, ridged=True), cut=Cut("across", 0.26)),
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
    "coconut half": Spec(
        form=Solid(ROUND, cut=Cut("across"), hollow=0.7, wobble=0.05),
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
    "orange half": Spec(
        form=Solid(ROUND, cut=Cut("across"), wobble=0.03),
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
