"""The Train page in a real browser: three rates, three growing curves, zoom kept, page changes, stop."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from fsl.data.examples import rendered_task

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def loss_canvas(tab: Page) -> Locator:
    return tab.locator(".curve canvas").first


def points(tab: Page) -> list[int]:
    """Return the number of points of each curve."""
    return [int(n) for n in (loss_canvas(tab).get_attribute("data-lines") or "").split()]


def wait_for_points(tab: Page, more_than: list[int], by: int = 3) -> None:
    """Wait until every curve has grown, not just one."""
    for _ in range(600):
        now = points(tab)
        if len(now) == len(more_than) and all(n >= m + by for n, m in zip(now, more_than, strict=True)):
            return
        tab.wait_for_timeout(250)
    raise AssertionError(f"the curves stay at {points(tab)} points")


def test_three_curves_grow_keep_their_zoom_and_survive_a_page_change(server: str, tab: Page) -> None:
    from playwright.sync_api import expect

    tab.goto(f"{server}/training")
    batches = tab.get_by_role("spinbutton", name="Batches")
    batches.fill("100000")
    batches.press("Enter")
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_text("starting").first.wait_for()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, [0, 0, 0])
    canvas = loss_canvas(tab)
    canvas.evaluate("node => { node.mark = 'same'; }")
    box = canvas.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 80, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 240, box["y"] + 120, steps=4)
    tab.mouse.up()
    zoom = canvas.get_attribute("data-zoom")
    assert zoom
    wait_for_points(tab, points(tab))
    assert canvas.evaluate("node => node.mark") == "same"  # the same node: no flicker
    assert canvas.get_attribute("data-zoom") == zoom
    assert canvas.locator("xpath=..").locator(".key").count() == 3

    before = points(tab)
    tab.get_by_role("link", name="Classify", exact=True).click()
    tab.get_by_text("1. Your classes").wait_for()
    tab.get_by_role("link", name="Train", exact=True).click()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, before)
    before = points(tab)
    tab.reload()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, before)

    tab.get_by_role("button", name="Stop all").click()
    tab.get_by_role("button", name="Resume all").wait_for()
    # "Resume all" is there with the first run that has stopped; the others follow within a moment.
    expect(tab.get_by_role("button", name="Resume", exact=True)).to_have_count(3)
    tab.locator(".pairs li span").first.wait_for()  # a network that was stopped answers


def test_a_reload_brings_back_the_dropped_zip(server: str, tab: Page) -> None:
    tab.goto(f"{server}/training")
    tab.get_by_role("combobox", name="Pictures to learn from").click()
    tab.get_by_role("option").filter(has_text="A zip of my own").click()
    classes = rendered_task(n_way=4, n_shot=3, n_query=1, seed=1).classes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, files in classes.items():
            for file, data in files:
                archive.writestr(f"{name}/{file}", data)
    drop = {"name": "mine.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}
    tab.locator('[class*="st-key-training_zip_"] input[type=file]').set_input_files([drop])
    dropped = tab.get_by_text("Dropped: mine.zip")
    dropped.wait_for()
    tab.reload()
    dropped.wait_for()


def test_choosing_other_runs_resets_the_zoom(server: str, tab: Page, lesson: str) -> None:
    """The part that was zoomed in on may show nothing of the other runs."""
    tab.goto(f"{server}/training?run={lesson}")
    canvas = loss_canvas(tab)
    canvas.wait_for()
    box = canvas.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 80, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 240, box["y"] + 120, steps=4)
    tab.mouse.up()
    assert canvas.get_attribute("data-zoom")
    tab.get_by_role("combobox", name="Runs to look at").press("Backspace")
    for _ in range(100):
        if len(points(tab)) == 2:
            break
        tab.wait_for_timeout(100)
    assert len(points(tab)) == 2
    assert canvas.get_attribute("data-zoom") == ""
