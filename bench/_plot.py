"""Draw small line charts with logarithmic axes into one SVG file for the docs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP = 250, 150, 62, 34
STEP_X, STEP_Y = WIDTH + LEFT + 28, HEIGHT + TOP + 48
COLOURS = ("#2563eb", "#d97706", "#059669")


@dataclass(frozen=True)
class Panel:
    """One chart.

    Attributes:
        title, x, y: title of the chart and of its axes.
        lines: points (x, y) by name, all above 0.
    """

    title: str
    x: str
    y: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def save_panels(path: Path, panels: Sequence[Panel], columns: int = 2) -> None:
    """Write charts into one SVG file, side by side."""
    rows = -(-len(panels) // columns)
    parts = [_panel(p, (i % columns) * STEP_X, (i // columns) * STEP_Y) for i, p in enumerate(panels)]
    size = f'width="{columns * STEP_X}" height="{rows * STEP_Y}"'
    style = "font: 12px sans-serif; background: #ffffff"
    body = "".join(parts)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>\n',
        encoding="utf-8",
    )


def _panel(panel: Panel, left: int, top: int) -> str:
    points = [point for line in panel.lines.values() for point in line]
    (x0, x1), (y0, y1) = (_decades([p[axis] for p in points]) for axis in (0, 1))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x0) / (x1 - x0)
        up = (math.log10(y) - y0) / (y1 - y0)
        return left + LEFT + across * WIDTH, top + TOP + (1 - up) * HEIGHT

    out = [_text(left + LEFT, top + 16, panel.title, "start", "bold")]
    for decade in range(x0, x1 + 1):
        x, y = at(10.0**decade, 10.0**y0)
        out.append(f'<path d="M{x:.1f} {y:.1f}v-{HEIGHT}" stroke="#e5e7eb"/>')
        out.append(_text(x, y + 15, _power(decade), "middle"))
    for decade in range(y0, y1 + 1):
        x, y = at(10.0**x0, 10.0**decade)
        out.append(f'<path d="M{x:.1f} {y:.1f}h{WIDTH}" stroke="#e5e7eb"/>')
        out.append(_text(x - 6, y + 4, _power(decade), "end"))
    for i, (name, line) in enumerate(panel.lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in line))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in (at(*p) for p in line)
        ]
        out.append(_text(left + LEFT + 8, top + TOP + 14 + 15 * i, name, "start", colour=colour))
    out.append(_text(left + LEFT + WIDTH / 2, top + TOP + HEIGHT + 32, f"{panel.x}; {panel.y}", "middle"))
    return "".join(out)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _power(decade: int) -> str:
    return f"{10**decade:,}" if decade >= 0 else f"{10.0**decade:g}"


def _text(
    x: float, y: float, words: str, anchor: str, weight: str = "normal", colour: str = "#374151"
) -> str:
    about = f'text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {about}>{escape(words)}</text>'
