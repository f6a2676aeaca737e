"""Two stories of training in a real browser, from the click to the sentence: the lesson, and a fine-tune."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_LONG = 300_000  # milliseconds; a busy machine takes its time


def test_the_lesson_plays_from_its_start_and_the_bad_rate_falls_onto_a_point(server: str, tab: Page) -> None:
    tab.goto(f"{server}/learn?step=rate")
    tab.get_by_role("radio", name="0.0001").or_(tab.get_by_role("button", name="0.0001")).first.click()
    tab.get_by_text("Not that one: it is 0.1.").wait_for()
    canvas = tab.locator(".curve canvas").first
    canvas.wait_for()
    assert float(canvas.get_attribute("data-last") or "nan") <= 1  # nothing is given away yet
    tab.get_by_text("Before training").first.wait_for()
    tab.get_by_role("button", name="Play").click()
    tab.get_by_text("After 150 of 150 batches").wait_for(timeout=_LONG)
    assert float(canvas.get_attribute("data-last") or "nan") == 150
    tab.get_by_text("stalled · test accuracy 20%").wait_for()
    tab.get_by_text("Try a lower rate: 0.01.").wait_for()


def test_a_fine_tune_says_how_long_it_takes_and_what_it_brought(server: str, tab: Page) -> None:
    tab.goto(f"{server}/training?preset=fine-tune&start=fruits")
    tab.get_by_role("combobox", name="Pictures to learn from").click()
    tab.get_by_role("option", name="Drawn fruit").first.click()
    tab.get_by_text("One batch was timed on this machine a moment ago.").wait_for(timeout=_LONG)
    batches = tab.get_by_role("spinbutton", name="Batches")
    batches.fill("20")
    batches.press("Enter")
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_text("Test accuracy", exact=False).first.wait_for(timeout=_LONG)
    sentence = tab.get_by_text("pictures it did not learn from")
    sentence.wait_for(timeout=_LONG)
    assert "before" in sentence.inner_text()
