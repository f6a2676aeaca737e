"""Screenshots of every page, light and dark.

python -m tests.e2e.screenshots FOLDER [--scene NAME] [--width PIXELS] [--scheme light|dark]
python -m tests.e2e.screenshots --docs [--scene NAME]     writes those of docs/images anew
"""

from __future__ import annotations

import argparse
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from tests.e2e.scenes import FINE_TUNING, SCENES, SORTING, Scene, settle, train_lesson
from tests.e2e.server import BROWSER_ARGUMENTS, ROOT, chromium, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
DOCS = ROOT / "docs" / "images"
DOCS_SCENES = (
    *("home", "classify", SORTING.name, "compare", "training", "embeddings", "embeddings-moving", "evaluate"),
    *(scene.name for scene in FINE_TUNING),
    *(scene.name for scene in SCENES if scene.name.startswith("learn-")),
)
DOCS_WIDTH, DOCS_HEIGHT = 1440, 1800
PHONE_WIDTH, ANSWERS_HEIGHT = 390, 1250
OFFER_HEIGHT = 980
ALL_SCENES = (*SCENES, SORTING, *FINE_TUNING)
HEIGHTS = {SORTING.name: ANSWERS_HEIGHT, **{scene.name: OFFER_HEIGHT for scene in FINE_TUNING}}
MOST_BYTES = 250_000
NARROWEST = 1150
_LESSON_STEPS = 150  # as on the page
_HIGHEST = 2600


def main() -> None:
    parser = argparse.ArgumentParser(description="Screenshots of every page, light and dark.")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--docs", action="store_true", help="write the pictures of the docs")
    parser.add_argument("--scene", action="append", choices=[scene.name for scene in ALL_SCENES])
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--scheme", action="append", choices=SCHEMES)
    arguments = parser.parse_args()
    if arguments.docs == (arguments.folder is not None):
        parser.error("give a folder, or --docs")
    folder: Path = DOCS if arguments.docs else arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    looks = looks_of(arguments)
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as runs, tempfile.TemporaryDirectory() as data:
        lesson = (
            train_lesson(Path(runs), _LESSON_STEPS)
            if any("{runs}" in look.scene.path for look in looks)
            else ""
        )
        # Nobody's own data sets among the pages' choices: what is shown goes with the repository.
        with (
            running_app({"FSL_RUNS_DIR": runs, "FSL_DATA_DIR": data}) as address,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
            for look in looks:
                context = browser.new_context(
                    viewport={"width": look.width, "height": 900}, color_scheme=look.scheme
                )
                tab = context.new_page()
                tab.set_default_timeout(240_000)  # a busy machine takes its time
                tab.goto(f"{address}/{look.scene.path.format(runs=lesson)}")
                picture = picture_of(tab, look.scene, look.width, look.highest)
                if arguments.docs:
                    picture = small(picture)
                context.close()
                (folder / f"{look.name}.png").write_bytes(picture)
                print(look.name, f"{len(picture) / 1000:.0f} kB", flush=True)
            browser.close()


@dataclass(frozen=True)
class Look:
    """One picture to take: a scene, its size in pixels, light or dark, and the name of its file."""

    scene: Scene
    width: int
    highest: int
    scheme: Literal["light", "dark"]
    name: str


def looks_of(arguments: argparse.Namespace) -> list[Look]:
    """Return the pictures asked for."""
    known = DOCS_SCENES if arguments.docs else [scene.name for scene in SCENES]
    chosen = [scene for scene in ALL_SCENES if scene.name in (arguments.scene or known)]
    looks = []
    for scheme in arguments.scheme or SCHEMES:
        if not arguments.docs:
            looks += [
                Look(scene, width, _HIGHEST, scheme, f"{scene.name}-{scheme}-{width}")
                for width in arguments.width or WIDTHS
                for scene in chosen
            ]
            continue
        for scene in chosen:
            height = HEIGHTS.get(scene.name, DOCS_HEIGHT)
            looks.append(Look(scene, DOCS_WIDTH, height, scheme, f"{scene.name}-{scheme}"))
        if SORTING in chosen:
            name = f"{SORTING.name}-phone-{scheme}"
            looks.append(Look(SORTING, PHONE_WIDTH, ANSWERS_HEIGHT, scheme, name))
    return looks


def picture_of(tab: Page, scene: Scene, width: int, highest: int) -> bytes:
    """The page as a PNG, from the scene's top down to ``highest`` pixels."""
    scene.ready(tab)
    tab.get_by_text("it gets finer").wait_for(state="hidden")  # an explanation is shown when it is complete
    tab.mouse.move(0, 0)  # nothing is pointed at
    settle(tab)
    height = tab.locator("[data-testid=stMain]").evaluate("main => main.scrollHeight")
    tab.set_viewport_size({"width": width, "height": min(highest, max(900, height))})
    tab.locator("[data-testid=stMain]").evaluate("main => main.scrollTo(0, 0)")  # a click may have moved it
    tab.wait_for_timeout(500)  # charts redraw for the new height
    settle(tab)
    if scene.top:
        tab.locator(scene.top).evaluate("node => node.scrollIntoView()")
        tab.wait_for_timeout(500)
        settle(tab)
    return tab.screenshot()


def small(png: bytes) -> bytes:
    """The same picture, at most ``MOST_BYTES``: narrower step by step; where that would be hard to read, of
    256 colours, whose mixtures stand for the others.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    width = image.width
    while True:
        narrow = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
        if width < min(NARROWEST, image.width):
            return as_png(narrow.quantize(256, dither=Image.Dither.FLOYDSTEINBERG))
        if len(data := as_png(narrow)) <= MOST_BYTES:
            return data
        width = round(width * 0.9)


def as_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
