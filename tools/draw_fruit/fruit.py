"""Whole fruit."""

from __future__ import annotations

from tools.draw_fruit.geometry import Bunch, Leaves, Ribs, Solid, Stem
from tools.draw_fruit.layers import Blush, Diamonds, Grain, Mottle, Net, PieceTints, Pole, Speckles, Stripes
from tools.draw_fruit.spec import ROUND, Spec

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


FRUIT: dict[str, Spec] = {
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
        form=Solid(ROUND, wobble=0.04),
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
        form=Solid(ROUND, ribs=Ribs(10, 0.035, 0.7), wobble=0.05),
        colour="#b9a457",
        skin=(Mottle("#94a050", 1.5, 0.7), Net("#ece0b4", 6.0, 0.2, 0.02)),
        ornaments=(Stem(0.22, 0.07, "#8a8548", flare=1.0),),
        gloss=0.15,
        polish=12,
        tilt=(-10, 50),
    ),
}
