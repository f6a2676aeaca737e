"""The Compare page in a real browser: pictures in, same or different out, a limit to move, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fsl.data.examples import rendered_task
from tests.e2e.scenes import choose_fruits, settle
from tests.e2e.test_classify import all_images_are_drawn, drop, titles

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_fruit_is_told_from_others(server: str, tab: Page) -> None:
    task = rendered_task(n_way=3, n_shot=3, n_query=1, seed=8)
    known, other, another = task.classes.values()
    tab.goto(f"{server}/compare")
    tab.get_by_text("1. The one you know").wait_for()
    choose_fruits(tab)
    drop(tab.locator('[class*="st-key-compare_drop_references_"]'), known[:1])
    tab.locator(".st-key-compare_references li.tile img").wait_for()
    drop(tab.locator('[class*="st-key-compare_drop_probes_"]'), [known[1], other[0], another[0]])
    answers = tab.locator(".st-key-compare_answers li.tile")
    answers.nth(2).locator(".title").wait_for()
    assert set(titles(answers)) <= {"same", "different"}
    similarities = [float(text) for text in answers.locator(".note").all_inner_texts()]
    assert similarities[0] == max(similarities)
    tab.get_by_text("would be called the same").wait_for()
    tab.locator(".st-key-compare_roc .main-svg").first.wait_for()

    # A limit far more lenient: the right end of the slider.
    before = titles(answers).count("same")
    slider = tab.get_by_role("slider").first
    slider.focus()
    tab.keyboard.press("End")
    tab.get_by_text("50 in 100 pairs of different things").wait_for()
    settle(tab)
    assert titles(answers).count("same") >= before

    answers.nth(1).locator("button.frame").click()
    tab.locator(".st-key-compare_detail").get_by_text(other[0][0]).wait_for()
    tab.get_by_role("button", name="Show why").click()
    tab.locator(".st-key-compare_why_maps li.tile img").nth(1).wait_for()
    assert all_images_are_drawn(tab)

    tab.get_by_role("link", name="Classify").click()
    tab.get_by_text("1. Your classes").wait_for()
    tab.get_by_role("link", name="Compare").click()
    answers.nth(2).locator(".title").wait_for()
