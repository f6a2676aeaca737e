"""A tab that connects again to a server that was restarted, without being reloaded, and is refused a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench._server import running_app
from tests.e2e.scenes import settle
from tests.helpers.browser import drop
from tests.helpers.networks import save_small_checkpoint

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_a_tab_says_that_its_pictures_are_gone_and_why_a_file_is_refused(
    browser: Browser, tmp_path: Path
) -> None:
    save_small_checkpoint(tmp_path)
    environment = {"FSL_CHECKPOINT_DIR": str(tmp_path)}
    tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    tab.set_default_timeout(150_000)
    with running_app(tmp_path, environment=environment) as app:
        tab.goto(f"{app.address}/compare")
        tab.get_by_role("button", name="Try an example").click()
        tab.locator(".st-key-compare_references li.tile").wait_for()
        # Where the whole page was drawn last, and no part of it, only the clock of every page asks anew.
        tab.reload()
        tab.locator(".st-key-compare_references li.tile").wait_for()
        settle(tab)
        tab.evaluate("window.isTheSame = true")
        port = int(app.address.rpartition(":")[2])
    with running_app(tmp_path, environment={**environment, "FSL_SESSION_MB": "8"}, port=port):
        tab.get_by_text("The server was restarted, so the pictures of this tab are gone").wait_for()
        assert tab.evaluate("window.isTheSame")
        assert tab.locator(".st-key-compare_references li.tile").count() == 0
        drop(tab.locator('[class*="st-key-compare_drop_probes_"]'), [("large.png", bytes(9 * 2**20))])
        tab.get_by_text("Your pages hold at most 8 MB together").wait_for()
        tab.locator(".st-key-refused").get_by_role("button", name="Dismiss").click()
        tab.locator(".st-key-refused").wait_for(state="detached")
    tab.context.close()
