"""The Classify page in a real browser: drop files, read answers, change pages, come back."""

from __future__ import annotations

import random
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from fsl.data.examples import rendered_task
from tests.helpers.browser import (
    answers,
    drop,
    drop_on_class,
    drop_task,
    similarities,
    titles,
    wait_for_pictures,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page


REAL_CLASSES = ("Banana", "Kaki", "Onion White", "Pineapple", "Raspberry")


def test_five_ways_two_shots_survive_a_page_change(server: str, tab: Page) -> None:
    task = rendered_task(n_way=5, n_shot=2, n_query=5, seed=2)
    drop_task(tab, server, task.classes, task.queries)

    allowed = {*task.classes, "unknown"}
    before = titles(answers(tab))
    assert len(before) == 5
    assert set(before) <= allowed
    tab.locator(".st-key-pairs li.tile .note").nth(9).wait_for()  # drawn a moment after the answers
    assert tab.locator(".st-key-pairs li.tile").count() == 10
    found = similarities(tab.locator(".st-key-pairs li.tile"))
    assert found == sorted(found, reverse=True)
    wait_for_pictures(tab)

    answers(tab).nth(3).click()
    tab.locator(".st-key-detail").get_by_text("query 4.png").wait_for()
    _see_answers_first_on_a_phone(tab)

    tab.get_by_role("link", name="Few-Shot Lab").click()
    tab.get_by_text("Teach it with a handful of pictures").wait_for()
    tab.get_by_role("link", name="Classify", exact=True).click()
    answers(tab).nth(4).wait_for()
    assert titles(answers(tab)) == before
    names = tab.locator('[class*="st-key-class_card_"] input[type=text]')
    assert [names.nth(i).input_value() for i in range(5)] == list(task.classes)
    tab.locator(".st-key-detail").get_by_text("query 4.png").wait_for()


def _see_answers_first_on_a_phone(tab: Page) -> None:
    """Classes and self-check are a line each there, which opens them."""
    tab.set_viewport_size({"width": 390, "height": 844})
    card, check = tab.locator('[class*="st-key-class_card_"]').first, tab.locator(".st-key-self_check")
    card.wait_for(state="hidden")
    check.wait_for(state="hidden")
    line = tab.locator(".st-key-self_check_unfolded")
    box = line.bounding_box()
    assert re.match(r"Self-check: \d+ of 10", line.inner_text())
    assert box is not None and box["height"] < 44  # one line
    line.get_by_text("Self-check").click()
    check.wait_for()
    card.wait_for(state="hidden")
    tab.set_viewport_size({"width": 1280, "height": 900})
    card.wait_for()
    line.wait_for(state="hidden")


def test_pictures_are_removed_by_keyboard_and_bad_files_named(server: str, tab: Page) -> None:
    task = rendered_task(n_way=2, n_shot=2, n_query=1, seed=5)
    first, second = task.classes
    tab.goto(f"{server}/classify")
    tab.get_by_text("1. Your classes").wait_for()
    drop_on_class(tab, 0, first, task.classes[first])
    drop_on_class(tab, 1, second, [*task.classes[second]])
    card = tab.locator('[class*="st-key-class_card_"]').nth(0)
    drop(card, [("<b>broken</b>.png", b"no picture")])
    tab.get_by_text("1 file could not be used").wait_for()
    tab.get_by_text("<b>broken</b>.png: this is not an image").wait_for()

    remove = card.locator("button.remove").first
    remove.focus()
    tab.keyboard.press("Enter")
    card.locator("li.tile").nth(1).wait_for(state="detached")
    assert card.locator("li.tile").count() == 1


def test_a_folder_fills_all_classes(server: str, tab: Page, tmp_path: Path) -> None:
    task = rendered_task(n_way=3, n_shot=2, n_query=3, seed=4)
    folder = tmp_path / "my classes"
    for name, files in {**task.classes, "queries": task.queries}.items():
        (folder / name).mkdir(parents=True)
        for file_name, data in files:
            (folder / name / file_name).write_bytes(data)
    tab.goto(f"{server}/classify")
    tab.get_by_role("button", name="Folder or zip").click()
    tab.locator('[class*="st-key-drop_folder_"] input[type=file]').set_input_files(folder)
    answers(tab).nth(2).wait_for()
    tab.locator('[class*="st-key-class_card_"]').nth(2).wait_for()
    assert tab.locator('[class*="st-key-class_card_"]').count() == 3


def test_real_fruit_photos(server: str, tab: Page, data_dir: Path, checkpoint_folder: Path) -> None:
    with zipfile.ZipFile(data_dir / "fruits360-subset.zip") as archive:
        classes, queries = {}, []
        for name in REAL_CLASSES:
            paths = [p for p in archive.namelist() if p.startswith(f"Training/{name}/")]
            first, second, third = random.Random(0).sample(paths, 3)
            classes[name] = [(Path(p).name, archive.read(p)) for p in (first, second)]
            queries.append((f"{len(queries)}.jpg", archive.read(third)))
    drop_task(tab, server, classes, queries)
    found = titles(answers(tab))
    assert len(found) == 5
    if (checkpoint_folder / "fruits.safetensors").exists():
        right = sum(answer == name for answer, name in zip(found, REAL_CLASSES, strict=True))
        assert right >= 4, found


def test_a_menu_is_filled_though_its_click_is_lost(server: str, tab: Page) -> None:
    tab.add_init_script(
        """const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
          if (!window.losesClicks) return send.call(this, data);
          window.losesClicks -= 1;
        };"""
    )
    tab.goto(f"{server}/classify")
    tab.get_by_text("Add a few pictures of each thing").wait_for()
    tab.locator("[data-testid=stApp][data-test-script-state=running]").wait_for(state="detached")
    tab.evaluate("window.losesClicks = 2")
    tab.get_by_role("button", name="Project").click()
    tab.get_by_text("Keep your work").wait_for()
    assert tab.evaluate("window.losesClicks") == 0
