"""Chromium, driven by Playwright, for measurements of pages."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Start a headless Chromium; exit with a message if it is not installed."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        sys.exit("This measurement needs chromium (apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


def new_page(browser: "Browser", height: int = 900) -> "Page":
    """Open a page, 1440 pixels wide, in a session of its own."""
    page = browser.new_context(viewport={"width": 1440, "height": height}).new_page()
    page.set_default_timeout(120_000)
    return page
