"""A reload in a real browser loses nothing; no other tab and no other visitor gets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fsl.data.examples import rendered_task
from tests.helpers.browser import answers, drop_task, titles

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PLACE = "few_shot_lab_tab"


def _remember(tab: Page, stored: str) -> None:
    """Let a tab begin with what another one stored, as a duplicated tab does."""
    tab.add_init_script(
        f"sessionStorage.getItem('{_PLACE}') ?? sessionStorage.setItem('{_PLACE}', '{stored}')"
    )


def test_a_reload_brings_back_pictures_answers_and_settings(server: str, tab: Page, browser: Browser) -> None:
    from playwright.sync_api import expect

    task = rendered_task(n_way=3, n_shot=2, n_query=3, seed=2)
    drop_task(tab, server, task.classes, task.queries)
    before = titles(answers(tab))
    answers(tab).nth(2).click()
    tab.locator(".st-key-detail").get_by_text("query 3.png").wait_for()
    removed = tab.locator(".st-key-thumbnails_class_1 li.tile img").first.get_attribute("src")
    tab.locator(".st-key-thumbnails_class_1 button.remove").first.click()
    tab.get_by_role("button", name="Undo: bring back").wait_for()

    tab.reload()
    tab.locator(".st-key-detail").get_by_text("query 3.png").wait_for()
    assert titles(answers(tab)) == before
    # A browser may ask late for a picture that the page no longer shows.
    assert tab.request.get(f"{server}{removed}").ok
    names = tab.locator('[class*="st-key-class_card_"] input[type=text]')
    for i, name in enumerate(task.classes):
        expect(names.nth(i)).to_have_value(name)
    tab.get_by_role("button", name="Undo: bring back").click()
    tab.locator(".st-key-thumbnails_class_1 li.tile").nth(1).wait_for()

    stored = tab.evaluate(f"sessionStorage.getItem('{_PLACE}')")
    twin = tab.context.new_page()
    _remember(twin, stored)
    twin.goto(f"{server}/classify")
    answers(twin).nth(2).wait_for()
    twin.get_by_role("button", name="Clear all").click()
    twin.get_by_text("Add one or more pictures to classify.").wait_for()
    secrets = [
        json.loads(one.evaluate(f"sessionStorage.getItem('{_PLACE}')"))["secret"] for one in (tab, twin)
    ]
    assert secrets[0] != secrets[1]
    tab.reload()
    answers(tab).nth(2).wait_for()  # the two tabs go separate ways

    stranger = browser.new_context().new_page()
    _remember(stranger, stored)
    stranger.goto(f"{server}/classify")
    stranger.get_by_text("The pictures of this tab are gone").wait_for()
    assert answers(stranger).count() == 0
    stranger.context.close()


def test_after_a_restart_the_page_says_how_to_keep_pictures(server: str, tab: Page) -> None:
    _remember(tab, json.dumps({"secret": "0" * 32, "holds": True, "server": "another"}))
    tab.goto(f"{server}/compare")
    tab.get_by_text("The server was restarted, so the pictures of this tab are gone").wait_for()
    tab.get_by_role("button", name="Dismiss").click()
    tab.get_by_text("The server was restarted").wait_for(state="detached")
    tab.get_by_role("button", name="Try an example").click()
    tab.locator(".st-key-compare_references li.tile").wait_for()
    tab.reload()
    tab.locator(".st-key-compare_references li.tile").wait_for()
