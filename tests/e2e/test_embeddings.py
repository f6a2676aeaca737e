"""The Embeddings page in a real browser: point, click, lasso, search; nothing wider than the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fsl.data.examples import digits_task

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
    values = [float(text) for text in neighbours.locator(".note").all_inner_texts()]
    assert values == sorted(values, reverse=True)

    canvas.scroll_into_view_if_needed()
    tab.get_by_role("button", name="Draw a line round").click()
    box = canvas.bounding_box()
    assert box is not None
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    tab.mouse.move(left, top)
    tab.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom)):
        tab.mouse.move(*corner, steps=4)
    tab.mouse.up()
    group = tab.locator(".st-key-map_group")
    group.get_by_text("18 pictures selected:").wait_for()
    assert group.locator("li.tile").count() == 18

    tab.locator("button.entry").first.click()
    tab.locator('button.entry[aria-pressed="false"]').wait_for()
    tab.get_by_role("button", name="Show all").click()
    tab.locator('button.entry[aria-pressed="false"]').wait_for(state="detached")

    search = tab.get_by_placeholder("Find a class or a file")
    search.fill("no such thing")
    search.press("Enter")
    tab.get_by_text("0 pictures found").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_nothing_is_wider_than_the_screen(
    server: str, tab: Page, tmp_path: Path, width: int, scheme: str
) -> None:
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    tab.set_viewport_size({"width": width, "height": 900})
    canvas = open_map(tab, server, tmp_path / "digits")
    main = tab.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    for row in range(18):
        x, y = canvas.evaluate("(c, row) => c.placeOf(row)", row)
        box = canvas.bounding_box()
        assert box is not None
        assert 0 <= x <= box["width"]
        assert 0 <= y <= box["height"]


def test_the_answer_opens_on_the_map(server: str, tab: Page) -> None:
    tab.goto(f"{server}/classify")
    tab.get_by_role("button", name="Drawn fruit").click()
    card = tab.locator(".st-key-small_map_card")
    card.locator("canvas[data-sheet=drawn]").wait_for()
    card.get_by_role("button", name="Show on the map").click()
    tab.get_by_text("See what the network sees").wait_for()
    tab.locator(".st-key-map_panel").get_by_text("query 1.png").first.wait_for()
    tab.locator("canvas[data-sheet=drawn]").wait_for()
