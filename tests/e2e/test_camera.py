"""The live camera in a real browser, with Chromium's own test picture as its camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.data.examples import rendered_task
from tests.e2e.server import BROWSER_ARGUMENTS, chromium
from tests.helpers.browser import answers, drop_task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def test_frames_are_answered_and_photos_kept_one_after_another(server: str, browser: Browser) -> None:
    task = rendered_task(n_way=2, n_shot=1, n_query=1, seed=2)
    started = browser.browser_type.launch(executable_path=chromium(), args=[*BROWSER_ARGUMENTS, *_CAMERA])
    tab = started.new_page()
    drop_task(tab, server, task.classes, task.queries)
    tab.get_by_role("button", name="Take a photo").first.click()
    tab.locator(".live .answer strong").wait_for()
    tab.locator(".live .rate").get_by_text("answers a second").wait_for()
    for _ in range(3):
        tab.locator(".live .shutter").click()
    tab.locator(".live .count").get_by_text("3 photos taken").wait_for()
    tab.get_by_role("button", name="Done").click()
    answers(tab).nth(3).wait_for()
    assert tab.locator(".live").count() == 0
    started.close()
