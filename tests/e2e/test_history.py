"""The browser's Back and Forward."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_TITLES = {
    r"/$": "Few-Shot Lab",
    r"/learn\?step=twin$": "Learn",
    r"/evaluate\?source=[^?]*&seed=0$": "Evaluate",
}


def test_one_press_leaves_a_page_and_each_page_keeps_its_own_address(tab: Page, server: str) -> None:
    """Two pages write their settings into the address; a setting is changed on the first of them."""
    home, learn, evaluate = _TITLES
    tab.goto(server)
    _follow(tab, "Learn", r"/learn\?step=idea$")
    tab.locator(".st-key-learn_next button").click()
    tab.wait_for_url(re.compile(learn))
    _wait_until_drawn(tab)
    _follow(tab, "Evaluate", evaluate)
    for press, address in (
        (tab.go_back, learn),
        (tab.go_back, home),
        (tab.go_forward, learn),
        (tab.go_forward, evaluate),
        (tab.go_back, learn),
    ):
        press()
        tab.wait_for_url(re.compile(address))
        tab.wait_for_function("start => document.title.startsWith(start)", arg=_TITLES[address])
        _wait_until_drawn(tab)
    # A page that was still being drawn when it was left asks for its address too late.
    n_entries = tab.evaluate("history.length")
    tab.evaluate("history.pushState({}, '', '/evaluate?seed=1')")
    assert re.search(learn, tab.url)
    assert tab.evaluate("history.length") == n_entries
    _follow(tab, "Few-Shot Lab", home)


def _follow(tab: Page, link: str, address: str) -> None:
    tab.get_by_test_id("stPageLink-NavLink").filter(has_text=link).first.click()
    tab.wait_for_url(re.compile(address))
    _wait_until_drawn(tab)


def _wait_until_drawn(tab: Page) -> None:
    """Wait until the page is drawn: a page that is still running can change the address once more."""
    tab.locator("[data-testid=stApp][data-test-script-state=running]").wait_for(state="detached")
