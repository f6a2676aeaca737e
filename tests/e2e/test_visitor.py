"""A browser keeps its own anonymous number, by which its runs are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.ui.shared.visitor import COOKIE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def number_of(page: Page) -> str:
    page.wait_for_function(f"document.cookie.includes('{COOKIE}=')")
    (cookie,) = [c for c in page.context.cookies() if c.get("name") == COOKIE]
    assert cookie.get("sameSite") == "Strict"
    return str(cookie.get("value"))


def test_the_number_stays_and_is_each_browsers_own(tab: Page, browser: Browser, server: str) -> None:
    tab.goto(server)
    first = number_of(tab)
    tab.goto(f"{server}/classify")
    tab.get_by_text("1. Your classes").wait_for()
    assert number_of(tab) == first
    context = browser.new_context()
    other = context.new_page()
    other.goto(server, timeout=60_000)
    assert number_of(other) != first
    context.close()
