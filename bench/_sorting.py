"""Sorting many photos on the Classify page in a real browser, for measurements and tests."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Files = Sequence[tuple[str, bytes]]
PAGE = 100
"""Answers on a page of the list."""


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
    return {name: int(number) for name, _, number in (text.strip().rpartition(" ") for text in texts)}


def choose_filter(tab: Page, name: str) -> None:
    """Choose what the list shows."""
    pattern = re.compile(rf"^\s*{re.escape(name)} [0-9,]+\s*$")
    tab.locator(".st-key-answers_show button").filter(has_text=pattern).click()


def _drop(zone: Locator, files: Files) -> None:
    payload = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
    zone.locator("input[type=file]").set_input_files(payload)
