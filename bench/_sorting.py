"""Sorting many photos on the Classify page in a real browser, for measurements and tests."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Files = Sequence[tuple[str, bytes]]
PAGE = 100
"""Answers on a page of the list."""
_PATIENCE = 120.0  # seconds


def drop_classes(tab: Page, classes: Mapping[str, Files], queries: Files = ()) -> None:
    """Drop a zip with a folder per class, and one of queries, and wait until all are there."""
    tab.get_by_role("button", name="Folder or zip").click()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, files in (*classes.items(), ("queries", queries)):
            for file, data in files:
                archive.writestr(f"{name}/{file}", data)
    _drop(tab.locator('[class*="st-key-drop_zip_"]'), [("classes.zip", zipped.getvalue())])
    tab.get_by_text(f"Added {len(classes)} new classes").wait_for()


def drop_queries(tab: Page, queries: Files, n_before: int = 0) -> None:
    """Drop the photos to sort, and wait until all are answered; ``n_before`` answers are there already."""
    _drop(tab.locator('[class*="st-key-drop_queries_"]'), queries)
    wait_for_answers(tab, min(PAGE, n_before + len(queries)))


def answers(tab: Page) -> Locator:
    """Return the answers that the list shows."""
    return tab.locator(".st-key-answers li.tile")


def wait_for_answers(tab: Page, number: int) -> None:
    """Wait until the list shows exactly so many answers."""
    answers(tab).nth(number - 1).wait_for()
    answers(tab).nth(number).wait_for(state="detached")


def counts_shown(tab: Page) -> dict[str, int]:
    """Return the number behind each filter, by its name."""
    buttons = tab.locator(".st-key-answers_show button")
    buttons.filter(has_text=re.compile("^\\s*All ")).wait_for()
    texts = buttons.all_inner_texts()
    return {
        name: int(number.replace(",", ""))
        for name, _, number in (text.strip().rpartition(" ") for text in texts)
    }


def choose_filter(tab: Page, name: str) -> None:
    """Choose what the list shows."""
    pattern = re.compile(rf"^\s*{re.escape(name)} [0-9,]+\s*$")
    tab.locator(".st-key-answers_show button").filter(has_text=pattern).click()


def show_only(tab: Page, name: str) -> None:
    """Choose what the list shows, and wait until it shows something else."""
    before = _first_shown(tab)
    choose_filter(tab, name)
    _wait_for_others(tab, before)


def choose(tab: Page, place: int) -> None:
    """Click an answer, and wait until its details are there."""
    answer = answers(tab).nth(place)
    name = answer.locator(".name").inner_text().partition(",")[0]
    answer.click()
    tab.locator(".st-key-detail").get_by_text(name).wait_for()


def search(tab: Page, name: str, number: int) -> None:
    """Search by part of a file name, and wait until ``number`` answers are shown."""
    field = tab.locator(".st-key-answers_search input")
    field.fill(name)
    field.press("Enter")
    wait_for_answers(tab, number)


def correct(tab: Page, key: str) -> None:
    """Correct the chosen answer with a key, and wait until the server has counted it."""
    checked = counts_shown(tab)["Checked"] + 1
    tab.keyboard.press(key)
    tab.locator(".st-key-answers_show button").filter(has_text=f"Checked {checked}").wait_for()


def rename_first_class(tab: Page, name: str) -> None:
    """Rename the first class, and wait until the answers can be filtered by its new name."""
    field = tab.locator('[class*="st-key-class_card_"] input[type=text]').first
    field.fill(name)
    field.press("Enter")
    tab.locator(".st-key-answers_show").get_by_text(name).wait_for()


def order_by(tab: Page, title: str) -> None:
    """Choose an order, and wait until the list has changed."""
    before = _first_shown(tab)
    tab.locator(".st-key-answers_order [role=combobox]").click()
    tab.get_by_role("option", name=title).click()
    _wait_for_others(tab, before)


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _first_shown(tab: Page) -> str:
    ids: str = answers(tab).evaluate_all("tiles => tiles.slice(0, 20).map(tile => tile.dataset.id).join()")
    return ids


def _wait_for_others(tab: Page, before: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _first_shown(tab) in ("", before):
        if time.monotonic() > deadline:
            raise TimeoutError("The list shows the same answers as before.")
        tab.wait_for_timeout(10)


def _drop(zone: Locator, files: Files) -> None:
    payload = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    zone.locator("input[type=file]").set_input_files(payload)
