"""The whole job in a real browser: photos of 20 classes, corrected, learned from and sorted.

``bench/app.py`` does it with 300 photos and with 3,000.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench._sorting import (
    PAGE,
    answers,
    choose_filter,
    counts_shown,
    drop_classes,
    show_only,
    wait_for_answers,
)
from tests.helpers.photos import Photos, grocery_photos

if TYPE_CHECKING:
    from playwright.sync_api import Page

N_PHOTOS, N_CORRECTED = 140, 5
_LIST = "document.querySelector('.st-key-answers ul')"


def test_photos_become_a_sorted_zip(server: str, tab: Page, data_dir: Path) -> None:
    photos = grocery_photos(data_dir, n_classes=20, n_shot=3, n_query=N_PHOTOS // 20)
    tab.goto(f"{server}/classify?network=fruits")  # the quickest to answer
    drop_classes(tab, photos.classes, photos.queries)
    wait_for_answers(tab, PAGE)

    tab.evaluate(f"window.first = {_LIST}")
    go_over_the_end_of_a_page(tab)

    counts = counts_shown(tab)
    assert counts["All"] == len(photos.queries) == N_PHOTOS
    assert sum(counts[name] for name in (*photos.class_names, "unknown")) == N_PHOTOS
    one = next(name for name in photos.class_names if 0 < counts[name] <= PAGE)
    choose_filter(tab, one)
    wait_for_answers(tab, counts[one])
    assert set(answers(tab).locator(".title").all_inner_texts()) == {one}
    choose_filter(tab, "All")
    wait_for_answers(tab, PAGE)
    wrong = correct_some(tab, photos)
    assert counts_shown(tab)["Checked"] == N_CORRECTED

    tab.get_by_role("button", name="Add 5 examples").click()
    tab.get_by_text("5 examples were added.").wait_for()
    tab.get_by_text("of 60) before").wait_for()
    tab.get_by_text("of 65) now").wait_for()
    # Built anew, the list would lose the focus and with it the next key.
    assert tab.evaluate(f"window.first === {_LIST}")
    tab.reload()
    tab.locator(".st-key-answers_show").wait_for()
    show_only(tab, "Checked")
    wait_for_answers(tab, N_CORRECTED)
    names = answers(tab).locator(".name").all_inner_texts()
    titles = answers(tab).locator(".title").all_inner_texts()
    told = dict(zip((name.partition(",")[0] for name in names), titles, strict=True))
    assert told == {name: photos.truth[name] for name in wrong}
    choose_filter(tab, "All")
    counts = counts_shown(tab)

    tab.get_by_role("button", name="Download").click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Sorted photos (zip)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/") and "/" in name]
        found = {name.partition("/")[2]: hashlib.sha256(archive.read(name)).digest() for name in files}
        assert found == {name: hashlib.sha256(data).digest() for name, data in photos.queries}
        assert {f"{photos.truth[name]}/{name}" for name in wrong} <= set(files)
        folders = Counter(name.partition("/")[0] for name in files)
        assert folders == {name: counts[name] for name in (*photos.class_names, "unknown") if counts[name]}


def go_over_the_end_of_a_page(tab: Page) -> None:
    """A key for a class goes on to the next page, and an arrow back to the answer before."""
    chosen, where = tab.locator(".st-key-answers [aria-selected=true]"), tab.locator(".st-key-answers .where")
    answers(tab).nth(PAGE - 1).click()
    tab.keyboard.press("1")
    where.get_by_text(f"{PAGE + 1}–{N_PHOTOS} of").wait_for()
    assert chosen.get_attribute("data-id") == answers(tab).first.get_attribute("data-id")
    assert counts_shown(tab)["Checked"] == 1
    tab.keyboard.press("ArrowLeft")
    where.get_by_text(f"1–{PAGE} of").wait_for()
    assert chosen.get_attribute("data-id") == answers(tab).last.get_attribute("data-id")
    tab.keyboard.press("Backspace")
    chosen.locator(".mark").wait_for(state="hidden")
    tab.keyboard.press("Home")


def correct_some(tab: Page, photos: Photos) -> list[str]:
    """Correct the first wrong answers, with a key where the class has one; return the names of the files."""
    names = answers(tab).locator(".name").all_inner_texts()
    titles = answers(tab).locator(".title").all_inner_texts()
    wrong = [name for name, title in zip(names, titles, strict=True) if photos.truth[name] != title]
    assert len(wrong) >= N_CORRECTED
    for name in wrong[:N_CORRECTED]:
        tile = answers(tab).nth(names.index(name))
        classes = tab.locator(f".st-key-correct_{(tile.get_attribute('data-id') or '')[:16]}")
        tile.click()
        classes.wait_for()
        place = photos.class_names.index(photos.truth[name])
        if place < 9:
            tab.keyboard.press(str(place + 1))
        else:
            classes.get_by_role("button").nth(place).click()
        tile.locator(".mark", has_text="✎").wait_for()
    tab.get_by_role("button", name="Add 5 examples").wait_for()
    return wrong[:N_CORRECTED]
