"""The Embeddings page in a real browser: point, click, lasso, search, watch a run move, download."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench.map_frames import drag, measured, show_many_points
from fsl.config import ModelConfig, TrainConfig
from fsl.data.builtin import rendered_set
from fsl.data.examples import digits_task
from fsl.training.events import Step, to_json
from fsl.training.snapshots import FOLDER, IMAGES
from tests.e2e.server import running_app
from tests.helpers.browser import similarities

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def open_map(tab: Page, server: str, folder: Path) -> Locator:
    """The map of three digits with six pictures each; its canvas."""
    task = digits_task(n_way=3, n_shot=6, n_query=1, seed=1)
    for name, files in task.classes.items():
        (folder / name).mkdir(parents=True)
        for file_name, data in files:
            (folder / name / file_name).write_bytes(data)
    tab.goto(f"{server}/embeddings")
    tab.get_by_role("button", name="Folder or zip").click()
    tab.locator('[class*="st-key-map_folder_"] input[type=file]').set_input_files(folder)
    tab.locator("canvas[data-sheet=drawn]").wait_for()
    tab.keyboard.press("Escape")
    canvas = tab.locator("canvas.canvas")
    canvas.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    return canvas


def place_of(canvas: Locator, row: int) -> tuple[float, float]:
    """Where a picture lies on the screen."""
    x, y = canvas.evaluate("(c, row) => c.placeOf(row)", row)
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


def dark_pixels(picture: Locator) -> int:
    """How many pixels of a canvas are dark: more than none where a digit is drawn."""
    return int(
        picture.evaluate(
            """c => c.getContext("2d").getImageData(0, 0, c.width, c.height).data
                 .filter((value, i) => i % 4 === 0 && value < 90).length"""
        )
    )


def test_point_click_lasso_and_search(server: str, tab: Page, tmp_path: Path) -> None:
    canvas = open_map(tab, server, tmp_path / "digits")

    tab.mouse.move(*place_of(canvas, 4))
    tip = tab.locator(".tip")
    tip.wait_for()
    assert tip.locator(".class").inner_text().startswith("digit ")
    assert dark_pixels(tip.locator("canvas")) > 50

    pointed_at = tip.locator(".file").inner_text()
    tab.mouse.click(*place_of(canvas, 4))
    panel = tab.locator(".st-key-map_panel")
    panel.get_by_text(pointed_at).first.wait_for()
    neighbours = panel.locator('[class*="st-key-map_neighbours_"] li.tile')
    neighbours.nth(7).wait_for()
    values = similarities(neighbours)
    assert values == sorted(values, reverse=True)

    canvas.scroll_into_view_if_needed()
    tab.get_by_role("button", name="Draw a line round").click()
    box = canvas.bounding_box()
    assert box is not None
    # The map's corners are round: the outermost pixels are not its own.
    left, top = box["x"] + 8, box["y"] + 8
    right, bottom = left + box["width"] - 16, top + box["height"] - 16
    tab.mouse.move(left, top)
    tab.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        tab.mouse.move(*corner, steps=4)
    tab.mouse.up()
    group = tab.locator(".st-key-map_group")
    group.get_by_text("18 pictures selected:").wait_for()
    group.locator("li.tile").nth(17).wait_for()
    assert group.locator("li.tile").count() == 18

    search = tab.get_by_placeholder("Find a class or a file")
    search.fill("no such thing")
    search.press("Enter")
    tab.get_by_text("No picture matches.").wait_for()

    tab.reload()
    tab.locator("canvas[data-sheet=drawn]").wait_for()
    assert tab.locator("canvas.canvas").evaluate("c => c.placeOf(17).length") == 2


def test_a_small_screen_shows_all_points_and_the_keyboard_points_chooses_and_lays_out(
    server: str, tab: Page, tmp_path: Path
) -> None:
    tab.set_viewport_size({"width": 390, "height": 900})
    canvas = open_map(tab, server, tmp_path / "digits")
    box = canvas.bounding_box()
    assert box is not None
    places = canvas.evaluate("c => [...Array(18).keys()].map(row => c.placeOf(row))")
    assert all(0 <= x <= box["width"] and 0 <= y <= box["height"] for x, y in places)

    name = tab.locator(".tip .file")
    canvas.press("n")
    first = name.inner_text()
    canvas.press("n")
    assert name.inner_text() != first
    canvas.press("p")
    assert name.inner_text() == first
    canvas.press("Enter")
    tab.locator(".st-key-map_panel").get_by_text(first).first.wait_for()
    canvas.press("g")
    tab.locator(".st-key-map_group").get_by_text("18 pictures selected:").wait_for()


def test_5000_pictures_are_drawn_and_dragged(tab: Page) -> None:
    """``python -m bench map_frames`` measures how quickly."""
    show_many_points(tab)
    canvas = tab.locator("canvas.canvas")
    wait_until_drawn(tab)
    n_colours = """c => {
        const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
        return new Set(new Uint32Array(data.buffer)).size; }"""
    assert canvas.evaluate(n_colours) > 20
    before = place_of(canvas, 4_999)
    frames = measured(tab, "dragging", drag, 20)
    wait_until_drawn(tab)
    after = place_of(canvas, 4_999)
    assert after == (pytest.approx(before[0] + 300, abs=2), pytest.approx(before[1], abs=2))
    assert frames["frames"] > 2


def test_the_legend_stays_where_it_is_for_a_second_click(tab: Page) -> None:
    show_many_points(tab)
    entries = tab.locator("button.entry:not(.all)")

    def shown() -> list[int]:
        pressed = entries.evaluate_all("all => all.map((entry) => entry.getAttribute('aria-pressed'))")
        return [number for number, is_shown in enumerate(pressed) if is_shown == "true"]

    entries.first.dblclick()
    assert shown() == [0]
    tab.get_by_role("button", name="Show all").click()
    assert len(shown()) == 20
    assert tab.get_by_role("button", name="Show all").count() == 0
    entries.nth(2).focus()
    for n_shown in (19, 20, 19):  # the keyboard stays on the entry that it pressed
        tab.keyboard.press("Enter")
        assert len(shown()) == n_shown
    assert 2 not in shown()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert {2, 3}.isdisjoint(shown())


def test_the_answer_opens_on_the_map(server: str, tab: Page) -> None:
    tab.goto(f"{server}/classify")
    tab.get_by_role("button", name="Drawn fruit").click()
    card = tab.locator(".st-key-small_map_card")
    card.locator("canvas[data-sheet=drawn]").wait_for()
    card.get_by_role("button", name="Show on the map").click()
    tab.get_by_text("See what the network sees").wait_for()
    tab.locator(".st-key-map_panel").get_by_text("query 1.png").first.wait_for()
    tab.locator("canvas[data-sheet=drawn]").wait_for()


def record_two_runs(folder: Path) -> None:
    """Run folders with recorded embeddings of 24 drawn pictures: one network learns, one does not."""
    drawn = rendered_set(32, 6)
    images = drawn.select_classes(drawn.class_names[:4])
    rng = np.random.default_rng(0)
    centres, noise = rng.normal(size=(4, 8))[images.labels], rng.normal(size=(24, 8))
    for name, gain in (("learns", 4), ("stalls", 0)):
        frames = folder / name / FOLDER
        frames.mkdir(parents=True)
        config = TrainConfig(steps=40)
        settings = {"train": config.to_json(), "model": ModelConfig().to_json(), "about": {"name": name}}
        (folder / name / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        losses = [to_json(Step(10 * i, 1.0 - 0.2 * i, 1e-3, 100.0, float(i))) for i in range(1, 5)]
        lines = "".join(f"{json.dumps(loss)}\n" for loss in losses)
        (folder / name / "events.jsonl").write_text(lines, encoding="utf-8")
        np.savez(
            frames / IMAGES,
            thumbnails=images.images,
            labels=images.labels,
            class_names=np.array(images.class_names),
            names=np.array(images.names),
        )
        for i in range(5):
            np.save(frames / f"{10 * i}.npy", (noise + gain * i * centres).astype(np.float16))


@pytest.fixture(scope="module")
def recorded(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with two recorded runs; its address."""
    runs = tmp_path_factory.mktemp("recorded")
    record_two_runs(runs)
    with running_app({"FSL_CHECKPOINT_DIR": str(checkpoint_folder), "FSL_RUNS_DIR": str(runs)}) as address:
        yield address


def moment(tab: Page, map_number: int = 0) -> float:
    """The step at which a moving map is."""
    return float(tab.locator("canvas.canvas").nth(map_number).get_attribute("data-step") or -1)


def note_moments(tab: Page) -> None:
    """Collect the steps that the player goes through from now on."""
    tab.evaluate(
        """() => {
            window.moments = [];
            addEventListener("few-shot-lab-step", ({ detail }) => window.moments.push(detail.step)); }"""
    )


def wait_until_drawn(tab: Page) -> None:
    tab.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")


def test_runs_move_side_by_side_and_the_curve_follows(recorded: str, tab: Page) -> None:
    tab.goto(f"{recorded}/training?run=learns,stalls")
    tab.get_by_role("link", name="Watch their maps side by side").click()
    maps = tab.locator("canvas.canvas[data-sheet=drawn]")
    maps.nth(1).wait_for()
    assert "run=learns%2Cstalls" in tab.url
    slider = tab.get_by_role("slider", name="Moment of the training")
    assert slider.get_attribute("aria-valuetext") == "Before training"

    def apart(number: int) -> float:
        """How far the pictures of the first class are from one another, by the map's size."""
        points = [maps.nth(number).evaluate("(c, i) => c.placeOf(i)", i) for i in range(24)]
        of_class = np.array(points[:6])
        return float(of_class.std(0).mean() / np.array(points).std(0).mean())

    wait_until_drawn(tab)
    start = apart(0)
    slider.press("ArrowRight")
    assert moment(tab) == moment(tab, 1) == 10
    slider.press("End")
    assert slider.get_attribute("aria-valuetext") == "After 40 of 40 batches"
    tab.locator("canvas[data-moment='40.0']").nth(1).wait_for()
    tab.get_by_text("Nearest neighbour correct 100%").first.wait_for()
    wait_until_drawn(tab)
    assert apart(0) < 0.7 * start  # its class gathered

    maps.nth(0).scroll_into_view_if_needed()
    tab.mouse.move(*place_of(maps.nth(0), 3))
    tip = tab.locator(".tip:not([hidden]) .file").first
    assert tip.inner_text().endswith(".png")

    note_moments(tab)
    tab.get_by_role("button", name="Play").click()
    # The images are also seen on their way between two recorded moments.
    tab.wait_for_function("() => window.moments.some((step) => step > 0 && step % 10 !== 0)")


def test_less_motion_means_jumps_from_moment_to_moment(recorded: str, tab: Page) -> None:
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(f"{recorded}/embeddings")
    tab.get_by_text("A network while it learns").click()
    tab.get_by_role("button", name="Watch").first.click()
    tab.locator("canvas.canvas[data-sheet=drawn]").wait_for()
    note_moments(tab)
    tab.get_by_role("button", name="Play").click()
    tab.wait_for_function("() => window.moments.includes(40)")
    assert set(tab.evaluate("() => window.moments")) <= {0, 10, 20, 30, 40}


def test_everything_can_be_downloaded(server: str, tab: Page, tmp_path: Path) -> None:
    open_map(tab, server, tmp_path / "digits")
    with tab.expect_download() as picture:
        tab.get_by_role("button", name="Save this view as a PNG picture").click()
    with Image.open(picture.value.path()) as image:
        assert image.format == "PNG"
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 10

    def fetched(label: str) -> Path:
        tab.get_by_role("button", name="Download").first.click()
        with tab.expect_download() as download:
            tab.get_by_role("button", name=label).click()
        tab.keyboard.press("Escape")
        return Path(download.value.path())

    rows = fetched("Table (CSV)").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("name,class,x,y,e0,")
    assert len(rows) == 19
    with np.load(fetched("Arrays (NPZ)"), allow_pickle=False) as arrays:
        assert arrays["coordinates"].shape == (18, 2)
        assert len(arrays["embeddings"]) == 18
    with zipfile.ZipFile(fetched("TensorBoard projector")) as projector:
        assert {"vectors.tsv", "metadata.tsv", "sprite.png"} <= set(projector.namelist())
    page = fetched("Figure (HTML)").read_text(encoding="utf-8")
    assert "<script src=" not in page  # nothing to load from elsewhere
    assert "digit " in page
