"""A browser keeps its own anonymous number, by which its runs are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.ui.shared.visitor import COOKIE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def number_of(page: Page) -> str:
    page.get_by_role("link", name="Classify").first.wait_for()
    (cookie,) = [c for c in page.context.cookies() if c.get("name") == COOKIE]
    assert cookie.get("sameSite") == "Strict"
    assert cookie.get("httpOnly")
    return str(cookie.get("value"))


def test_each_browser_keeps_a_number_of_its_own(tab: Page, browser: Browser, server: str) -> None:
    tab.goto(server)
    first = number_of(tab)
    tab.goto(f"{server}/classify")
    tab.get_by_text("1. Your classes").wait_for()
    assert number_of(tab) == first
    context = browser.new_context()
    other = context.new_page()
    other.goto(server, timeout=150_000)
    assert number_of(other) != first
    context.close()


def test_a_script_put_into_a_page_does_not_run(browser: Browser, server: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server, timeout=150_000)
    page.get_by_role("link", name="Classify").first.wait_for()
    violated = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            if (window.ran) done('ran');
        })"""
    )
    assert violated == "script-src-elem"
    context.close()
