"""Using the pages in a real browser: dropping pictures and reading tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tests.helpers.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Files = Sequence[tuple[str, bytes]]


def drop(zone: Locator, files: Files) -> None:
    """Put files on a drop zone, as the file dialog does."""
    payload = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    zone.locator("input[type=file]").set_input_files(payload)


def drop_on_class(tab: Page, number: int, name: str, files: Files) -> None:
    """Name a class and drop its pictures."""
    card = tab.locator('[class*="st-key-class_card_"]').nth(number)
    field = card.locator("input[type=text]")
    field.fill(name)
    field.press("Enter")
    tab.get_by_label(f"Add pictures of {name}").first.wait_for()
    drop(card, files)
    card.locator("li.tile img").nth(len(files) - 1).wait_for()


def drop_task(tab: Page, server: str, classes: Mapping[str, Files], queries: Files) -> None:
    """Enter a whole task on the Classify page, class by class."""
    tab.goto(f"{server}/classify")
    tab.get_by_text("1. Your classes").wait_for()
    for number, (name, files) in enumerate(classes.items()):
        if number >= 2:
            tab.get_by_role("button", name="Add a class").click()
            tab.locator('[class*="st-key-class_card_"]').nth(number).wait_for()
        drop_on_class(tab, number, name, files)
    drop(tab.locator('[class*="st-key-drop_queries_"]'), queries)
    tab.get_by_text("Similarity to each of your pictures").wait_for()
    answers(tab).nth(len(queries) - 1).wait_for()


def answers(tab: Page) -> Locator:
    """Return the tiles with the answers on the Classify page."""
    return tab.locator(".st-key-answers li.tile")


def titles(tiles: Locator) -> list[str]:
    """Return the titles of tiles."""
    return [text.strip() for text in tiles.locator(".title").all_inner_texts()]


def wait_for_pictures(tab: Page) -> None:
    """Wait until no thumbnail is blank."""
    pictures = tab.locator("li.tile img")
    drawn = "list => list.every(image => image.complete && image.naturalWidth > 1)"
    until(lambda: pictures.evaluate_all(drawn))


def similarities(tiles: Locator) -> list[float]:
    """Return the similarities of tiles, which their tooltips show in full."""
    tooltips = tiles.locator(".frame").evaluate_all("list => list.map(frame => frame.title)")
    return [float(tooltip.rpartition("similarity ")[2]) for tooltip in tooltips]
