"""Whole vegetables."""

from __future__ import annotations

from tools.draw_fruit.geometry import Leaves, Ribs, Solid, Stem
from tools.draw_fruit.layers import Mottle, Pole
from tools.draw_fruit.spec import Spec

VEGETABLES: dict[str, Spec] = {
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
}
