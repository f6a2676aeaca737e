"""Draw the README's animation: maps of two networks in training, at a good and at a too high rate.

    python -m bench draw_animation [--out FILE.gif] [--runs GOOD BAD]

It trains both on drawn fruit (about two minutes on two cores) and draws maps of pictures of classes that
neither is trained on, above their losses. ``--runs`` takes two existing run folders instead.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fsl.base.types import Float32Array, Float64Array
from fsl.charts.maps import CLASS_COLOURS
from fsl.config import EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.builtin import rendered_set
from fsl.embedding.maps import MapConfig
from fsl.embedding.motion import Frame, Recording, moving_map
from fsl.training.curves import smooth
from fsl.training.events import Step
from fsl.training.run import run_training
from fsl.training.run_data import hold_out_share
from fsl.training.run_spec import RunSpec
from fsl.training.snapshots import Snapshots, read_snapshots
from fsl.training.status import read_run, run_events

RATES = (1e-3, 0.1)
STEPS = 240
MODEL = ModelConfig(backbone="plain4", widths=(32, 32, 32, 32), image_size=32)
SIZE = (860, 470)
PANEL = (10, 46, 415, 330)  # left, top, width and height of the left map; the right one stands beside it
CURVE = (46, 402, 800, 48)
BETWEEN = 2  # pictures per recorded moment
FRAME_MS, FIRST_MS, LAST_MS = 90, 900, 2500
TILE = 20
COLOURS = 80
INK, PAPER, FAINT, LINES = "#17211e", "#ffffff", "#d5dedb", ("#0e8f6e", "#d9730d")
LOSS_REACH = 1.0  # the highest loss on the chart


@dataclass(frozen=True, eq=False)
class DrawnRun:
    """What the animation shows of a run: its maps, and its smoothed losses by step."""

    title: str
    snapshots: Snapshots
    frames: tuple[Frame, ...]
    steps: list[int]
    losses: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench draw_animation", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images/training-map.gif"))
    parser.add_argument("--runs", type=Path, nargs=2, metavar=("GOOD", "BAD"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = args.runs or [train(Path(folder) / f"rate {rate:g}", rate) for rate in RATES]
        drawn = [read(run) for run in runs]
    pictures = list(draw_all(drawn))
    save(pictures, args.out)
    print(f"{args.out}: {len(pictures)} pictures, {args.out.stat().st_size / 1e6:.2f} MB")


def train(folder: Path, rate: float) -> Path:
    """Train a run like the Train page does, and return its folder."""
    data = hold_out_share(rendered_set(MODEL.image_size), 0.4, "classes", 0, "drawn fruit")
    config = TrainConfig(
        steps=STEPS,
        learning_rate=rate,
        pairing="random",
        batch_pairs=32,
        evaluate_every=60,
        evaluation=EpisodeConfig(n_way=5, n_episodes=200),
        snapshot_images=150,
    )
    for _ in run_training(folder, RunSpec(config), data, MODEL):
        pass
    return folder


def read(folder: Path) -> DrawnRun:
    """Read a run's losses, and make maps of its snapshots."""
    run, snapshots = read_run(folder), read_snapshots(folder)
    if snapshots is None or run.config is None:
        raise SystemExit(f"{folder} recorded nothing to draw; train it with --snapshots 150.")
    frames = moving_map(Recording(snapshots.steps, snapshots.frames, snapshots.images.labels), MapConfig())
    steps = [event for event in run_events(folder) if isinstance(event, Step)]
    losses = smooth([step.loss for step in steps], 0.5).tolist()
    title = f"learning rate {run.config.learning_rate:g}"
    return DrawnRun(title, snapshots, frames, [step.step for step in steps], losses)


def draw_all(runs: Sequence[DrawnRun]) -> Iterator[Image.Image]:
    """Draw every picture of the animation."""
    moments = [frame.step for frame in runs[0].frames]
    for before, after in pairwise(moments):
        for part in range(BETWEEN):
            yield draw(runs, before + (after - before) * part / BETWEEN)
    yield draw(runs, moments[-1])


def draw(runs: Sequence[DrawnRun], step: float) -> Image.Image:
    """Draw both maps and losses at one moment."""
    picture = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(picture)
    left, top, width, height = PANEL
    for number, one in enumerate(runs):
        corner = (left + number * (width + 10), top)
        pen.line((corner[0] + 2, 18, corner[0] + 22, 18), LINES[number], 3)
        pen.text((corner[0] + 30, 8), one.title, INK, ImageFont.load_default(17))
        pen.rectangle((*corner, corner[0] + width, top + height), outline=FAINT)
        paste_map(picture, one, step, corner)
        now = max((frame for frame in one.frames if frame.step <= step), key=lambda frame: frame.step)
        right = now.neighbour_accuracy.value or 0.0
        pen.text(
            (corner[0] + 2, 28),
            f"nearest picture is of the same class: {right:.0%}",
            INK,
            ImageFont.load_default(13),
        )
    draw_losses(pen, runs, step)
    return picture


def places(frames: Sequence[Frame], step: float) -> Float64Array:
    """Return the positions of the pictures between two moments, from -1 to 1."""
    later = next((i for i, frame in enumerate(frames) if frame.step > step), len(frames) - 1)
    first, second = frames[max(0, later - 1)], frames[later]
    part = min(1.0, (step - first.step) / max(1, second.step - first.step))
    return (1 - part) * _in_square(first.map.points) + part * _in_square(second.map.points)


def _in_square(points: Float32Array) -> Float64Array:
    centred = points - (points.max(0) + points.min(0)) / 2
    return np.asarray(centred / (np.abs(centred).max(0).max() or 1.0), dtype=np.float64)


def paste_map(picture: Image.Image, one: DrawnRun, step: float, corner: tuple[int, int]) -> None:
    """Paste the pictures of one run at their positions, each framed in the colour of its class."""
    _, _, width, height = PANEL
    middle = np.array([corner[0] + width / 2, corner[1] + height / 2])
    reach = np.array([width, -height]) / 2 - np.array([TILE, -TILE]) * 0.75
    for at, label, thumbnail in zip(
        places(one.frames, step) * reach + middle,
        one.snapshots.images.labels,
        one.snapshots.images.thumbnails,
        strict=True,
    ):
        tile = Image.new("RGB", (TILE, TILE), CLASS_COLOURS[label % len(CLASS_COLOURS)])
        tile.paste(Image.fromarray(thumbnail).resize((TILE - 4, TILE - 4), Image.Resampling.LANCZOS), (2, 2))
        picture.paste(tile, (round(at[0] - TILE / 2), round(at[1] - TILE / 2)))


def draw_losses(pen: ImageDraw.ImageDraw, runs: Sequence[DrawnRun], step: float) -> None:
    """Draw both losses, and a line at the current step."""
    left, top, width, height = CURVE
    last = max(one.steps[-1] for one in runs)
    font = ImageFont.load_default(12)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + width * x / last, top + height * (1 - min(y, 1.1 * LOSS_REACH) / LOSS_REACH)

    pen.text((8, top - 4), "loss", INK, font)
    pen.line((*place(0, 0), *place(last, 0)), FAINT)
    for one, colour in zip(runs, LINES, strict=False):
        pen.line([place(x, y) for x, y in zip(one.steps, one.losses, strict=True)], colour, 2, "curve")
    x, bottom = place(step, 0)
    pen.line((x, top - 6, x, bottom), INK, 2)
    words = "before training" if round(step) == 0 else f"after {round(step)} batches"
    pen.text((min(max(x - 40, left), left + width - 96), bottom + 3), words, INK, font)


def save(pictures: Sequence[Image.Image], out: Path) -> None:
    """Write the animation, with one palette for all pictures so that colours do not flicker."""
    strip = Image.new("RGB", (SIZE[0], SIZE[1] * 3))
    for i, picture in enumerate((pictures[0], pictures[len(pictures) // 2], pictures[-1])):
        strip.paste(picture, (0, i * SIZE[1]))
    palette = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT)
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [FIRST_MS, *[FRAME_MS] * (len(flat) - 2), LAST_MS]
    out.parent.mkdir(parents=True, exist_ok=True)
    flat[0].save(out, save_all=True, append_images=flat[1:], duration=times, loop=0, optimize=True)
