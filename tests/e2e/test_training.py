"""The Training page in a real browser: three rates, three growing curves, zoom kept, page changes, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def loss_canvas(tab: Page) -> Locator:
    return tab.locator(".curve canvas").first


def points(tab: Page) -> int:
    return int(loss_canvas(tab).get_attribute("data-points") or 0)


def wait_for_points(tab: Page, more_than: int) -> None:
    for _ in range(200):
        if points(tab) > more_than:
            return
        tab.wait_for_timeout(250)
    raise AssertionError(f"the curve stays at {points(tab)} points")


def test_three_curves_grow_keep_their_zoom_and_survive_a_page_change(server: str, tab: Page) -> None:
    tab.goto(f"{server}/training")
    batches = tab.get_by_role("spinbutton", name="Batches")
    batches.fill("100000")
    batches.press("Enter")
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_text("starting").first.wait_for()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, 6)
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
    wait_for_points(tab, points(tab) + 6)
    assert canvas.evaluate("node => node.mark") == "same"  # the same node: no flicker
    assert canvas.get_attribute("data-zoom") == zoom
    assert canvas.locator("xpath=..").locator(".key").count() == 3

    tab.get_by_role("link", name="Classify", exact=True).click()
    tab.get_by_text("1. Your classes").wait_for()
    tab.get_by_role("link", name="Train", exact=True).click()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, 10)
    tab.reload()
    loss_canvas(tab).wait_for()
    wait_for_points(tab, 10)

    for left in (2, 1, 0):
        tab.get_by_role("button", name="Stop").first.click()
        for _ in range(120):
            if tab.get_by_role("button", name="Stop").count() == left:
                break
            tab.wait_for_timeout(250)
    tab.get_by_role("button", name="Resume").nth(2).wait_for()
    tab.locator(".pairs").get_by_text("agrees").first.wait_for()  # a network that was stopped answers
