"""Curves on one canvas that grow while a run goes on; zoom is kept, the pointer shows values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fsl.charts.style import ACCENT, AGAINST
from fsl.ui.components.declare import declare

_component = declare("curve", '<div class="curve"></div>', "make.js", "curve.js", "curve.css")
# Safe for colour-blind readers on light and dark; the lines' dashes differ as well.
COLOURS = (ACCENT, AGAINST, "#7a5af5", "#c2417c", "#2f80c8", "#8a7a1f")


@dataclass(frozen=True, eq=False)
class Line:
    """One curve; its name is shown as plain text.

    Attributes:
        name: name in the legend.
        x: positions, rising.
        raw: values as measured.
        smooth: the same values, smoothed.
    """

    name: str
    x: Sequence[float]
    raw: Sequence[float]
    smooth: Sequence[float]


@dataclass(frozen=True)
class Level:
    """A labelled horizontal line at a reference value."""

    y: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A labelled vertical line at a position of interest."""

    x: float
    text: str


@dataclass(frozen=True)
class Axes:
    """The axes of a chart.

    Attributes:
        x_title: title of the x axis.
        x_min: where the x axis begins.
        x_max: where the x axis ends, unless the curves go further.
        x_log: whether x holds decimal logarithms; the axis is then labelled with the values themselves.
        y_range: limits of the y axis; None to fit the curves.
    """

    x_title: str = "batch"
    x_min: float = 0
    x_max: float = 1
    x_log: bool = False
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class ChartOptions:
    """What else a chart shows and offers.

    Attributes:
        levels: reference values.
        marks: positions of interest.
        smoothable: whether to offer smoothing and a logarithmic y axis.
        height: height in pixels.
        player: key of the :func:`fsl.ui.components.player.player` whose moment is marked and which a click
            moves; "" for none.
        reveal: whether curves end at the player's moment instead of showing what comes later.
        about: identifies what is plotted, such as the ids of runs; the zoom is reset when it changes.
    """

    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()
    smoothable: bool = True
    height: int = 300
    player: str = ""
    reveal: bool = False
    about: str = ""


def curves(lines: Sequence[Line], key: str, label: str, axes: Axes, options: ChartOptions) -> None:
    """Show curves; a drag zooms in.

    Args:
        lines: the curves.
        key: key of the widget.
        label: description for screen readers.
        axes: the axes.
        options: everything else.
    """
    plotted = [
        {
            "name": line.name,
            "x": list(line.x),
            "raw": list(line.raw),
            "smooth": list(line.smooth),
            "colour": COLOURS[number % len(COLOURS)],
            "y_last": f"{line.raw[-1]:.3g}" if len(line.raw) else "no value yet",
        }
        for number, line in enumerate(lines)
    ]
    _component(key=key, data={"lines": plotted, "label": label, **asdict(axes), **asdict(options)})
