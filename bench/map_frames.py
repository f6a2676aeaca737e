"""Measure whether a map of 5,000 images stays fluid when dragged, pointed at and zoomed, in a real browser.

    python -m bench map_frames [--quick]

It shows the component of the Embeddings page on an empty page and measures the time between frames: 60 a
second if nothing delays them. The browser has no graphics card here, so the processor draws every frame.
Goal: half of all frames within 50 ms, because movement looks fluid from about 20 frames a second.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bench._browser import chromium, new_page
from bench._measure import Claim, finish, options_of, say
from fsl.embedding.labelled import MAX_IMAGES
from fsl.ui.components import scatter
from fsl.ui.components.declare import joined

if TYPE_CHECKING:
    from playwright.sync_api import Page

GOAL_MS = 50.0
N_CLASSES = 20
_SHOW = """async ([style, script, data]) => {
  const root = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
  root.innerHTML = `<style>${style}</style><div class="map"></div>`;
  const module = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  (await import(module)).default({ data, parentElement: root, setTriggerValue: () => {} });
}"""
_RECORD = """() => {
  window.frameTimes = [];
  const note = (now) => {
    window.frameTimes.push(now);
    window.frameNote = requestAnimationFrame(note);
  };
  window.frameNote = requestAnimationFrame(note);
}"""
_STOP = "() => { cancelAnimationFrame(window.frameNote); return window.frameTimes; }"


def main() -> None:
    options = options_of(__doc__)
    with chromium() as browser:
        tab = new_page(browser)
        show_many_points(tab)
        steps = 20 if options.quick else 150
        rows = [measured(tab, what, act, steps) for what, act in ACTIONS.items()]
    slowest = max(row["median, ms"] for row in rows)
    claim = Claim(
        f"A map of {MAX_IMAGES:,} images, from frame to frame, the slowest of dragging, pointing and zooming",
        f"{slowest:.0f} ms",
        f"{GOAL_MS:.0f} ms",
        f"{slowest / GOAL_MS:.2f}",
        f"at most {GOAL_MS:.0f} ms",
        slowest <= GOAL_MS,
    )
    named = [{"what": what, **row} for what, row in zip(ACTIONS, rows, strict=True)]
    finish("map_frames", [claim], named, options.quick)


def show_many_points(tab: "Page") -> None:
    """Show a map with the largest number of images on an empty page."""
    rng = np.random.default_rng(0)
    labels = np.arange(MAX_IMAGES) % N_CLASSES
    places = rng.uniform(-0.85, 0.85, (N_CLASSES, 2))[labels] + rng.normal(0, 0.05, (MAX_IMAGES, 2))
    points = scatter.MapPoints(
        collection="many",
        layout="many",
        dims=2,
        xyz=places.round(4).ravel().tolist(),
        labels=labels.tolist(),
        classes=[f"class {number + 1}" for number in range(N_CLASSES)],
        names=[f"{number}.png" for number in range(MAX_IMAGES)],
    )
    data = scatter.map_data(points, None, "Map of many images", scatter.MapLook(height=560), groups=True)
    tab.evaluate(_SHOW, [joined(scatter.FILES, ".css"), joined(scatter.FILES, ".js"), data])
    tab.locator("canvas.canvas").wait_for()


def drag(tab: "Page", steps: int) -> None:
    """Drag the map 300 pixels to the right."""
    _, (x, y) = canvas_of(tab)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 300, y, steps=steps)
    tab.mouse.up()


def point(tab: "Page", steps: int) -> None:
    """Move the mouse across the map."""
    width, (x, y) = canvas_of(tab)
    tab.mouse.move(x - 0.4 * width, y)
    tab.mouse.move(x + 0.4 * width, y, steps=steps)


def zoom(tab: "Page", steps: int) -> None:
    """Zoom in and out again, by the keyboard."""
    tab.locator("canvas.canvas").focus()
    for key in ("+", "-"):
        for _ in range(steps // 10):
            tab.keyboard.press(key)
            tab.wait_for_timeout(30)


ACTIONS: dict[str, Callable[["Page", int], None]] = {"dragging": drag, "pointing": point, "zooming": zoom}


def canvas_of(tab: "Page") -> tuple[float, tuple[float, float]]:
    """Return the map's width, and its centre on the screen."""
    box = tab.locator("canvas.canvas").bounding_box()
    assert box is not None
    return box["width"], (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def measured(tab: "Page", what: str, act: Callable[["Page", int], None], steps: int) -> dict[str, float]:
    """Measure the milliseconds between frames during an action."""
    tab.evaluate(_RECORD)
    act(tab, steps)
    gaps = np.diff(tab.evaluate(_STOP))
    row = {
        "frames": len(gaps),
        "median, ms": round(float(np.median(gaps)), 1),
        "slowest twentieth, ms": round(float(np.quantile(gaps, 0.95)), 1),
    }
    say(f"{what}: {row}")
    return row


if __name__ == "__main__":
    main()
