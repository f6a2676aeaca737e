"""The Compare page in a real browser: pictures in, same or different out, a limit to move, and why."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from fsl.data.examples import digits_task, rendered_task
from fsl.data.images.decode import decode_image
from tests.e2e.scenes import settle
from tests.helpers.browser import drop, similarities, titles, wait_for_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from fsl.data.examples import ExampleTask


def answers_fit_the_limit(tab: Page) -> list[str]:
    """The tiles' answers, held against their similarities and the limit that the page names."""
    settle(tab)
    named = re.search(r"[Ss]imilarity ([\d.]+) and above", tab.locator("[data-testid=stMain]").inner_text())
    assert named is not None
    answers = tab.locator(".st-key-compare_answers li.tile")
    said = titles(answers)
    limit, rounding = float(named[1]), 0.5 * 0.1 ** len(named[1].partition(".")[2])
    for answer, similarity in zip(said, similarities(answers), strict=True):
        if abs(similarity - limit) > rounding:
            assert answer == ("same" if similarity > limit else "different")
    return said


@pytest.mark.parametrize(
    ("network", "measured_on", "make"),
    [
        ("fruits", "photos of fruit and vegetables", rendered_task),
        ("glyphs", "handwritten characters", digits_task),
    ],
)
def test_one_is_told_from_others(
    server: str, tab: Page, network: str, measured_on: str, make: Callable[..., ExampleTask]
) -> None:
    known, other, another = make(n_way=3, n_shot=3, n_query=1, seed=8).classes.values()
    tab.goto(f"{server}/compare")
    tab.get_by_text("1. The one you know").wait_for()
    tab.get_by_role("combobox", name="Network").first.click()
    tab.get_by_role("option").filter(has_text=network).click()
    tab.get_by_text(f"Measured on {measured_on}").wait_for()
    drop(tab.locator('[class*="st-key-compare_drop_references_"]'), known[:1])
    tab.locator(".st-key-compare_references li.tile img").wait_for()
    drop(tab.locator('[class*="st-key-compare_drop_probes_"]'), [known[1], other[0], another[0]])
    answers = tab.locator(".st-key-compare_answers li.tile")
    answers.nth(2).locator(".title").wait_for()
    found = similarities(answers)
    assert found[0] == max(found)
    tab.locator(".st-key-compare_detail").get_by_text("would be called the same").wait_for()
    tab.locator(".st-key-compare_roc .main-svg").first.wait_for()

    # From the strictest limit to the most lenient one.
    slider = tab.get_by_role("slider").first
    slider.focus()
    tab.keyboard.press("Home")
    detail = tab.locator(".st-key-compare_detail")
    detail.get_by_text("1 in 1,000 pairs").wait_for()
    strict = answers_fit_the_limit(tab)
    tab.keyboard.press("End")
    detail.get_by_text("50 in 100 pairs").wait_for()
    lenient = answers_fit_the_limit(tab)
    assert lenient.count("same") > strict.count("same")
    tab.get_by_text("Do the chances come true?").click()
    tab.locator(".st-key-compare_reliability .main-svg").first.wait_for()

    answers.nth(1).locator("button.frame").click()
    tab.locator(".st-key-compare_detail").get_by_text(other[0][0]).wait_for()
    tab.get_by_role("button", name="Show why").click()
    tab.locator(".st-key-compare_why_maps li.tile img").nth(1).wait_for()
    wait_for_pictures(tab)

    tab.get_by_role("link", name="Classify").click()
    tab.get_by_text("1. Your classes").wait_for()
    tab.get_by_role("link", name="Compare").click()
    answers.nth(2).locator(".title").wait_for()


def test_the_person_is_found_in_a_group_photo(server: str, tab: Page, scans: list[Image.Image]) -> None:
    """With scans of ORL: the box is where the person was put, and the picture without a face says so."""
    group = Image.new("RGB", (900, 400), (90, 110, 130))
    for number, scan in enumerate([scans[2], scans[1], scans[3]]):
        group.paste(scan.resize((184, 224)), (40 + 300 * number, 80))
    tab.goto(f"{server}/compare?network=faces")
    tab.get_by_text("Measured on").wait_for()
    drop(tab.locator('[class*="st-key-compare_drop_references_"]'), [("known.png", png(scans[0]))])
    tab.locator(".st-key-compare_references li.tile rect.chosen").wait_for()
    plain = Image.new("RGB", (320, 200), (90, 120, 60))
    files = [("group.png", png(group)), ("plain.png", png(plain))]
    drop(tab.locator('[class*="st-key-compare_drop_probes_"]'), files)
    answers = tab.locator(".st-key-compare_answers li.tile")
    answers.nth(1).locator(".title").wait_for()
    assert titles(answers) == ["same", "No face found"]
    assert "of 3" in answers.first.locator(".note").inner_text()
    box = answers.first.locator("rect.chosen")
    left, width = (float(box.get_attribute(side) or 0) for side in ("x", "width"))
    assert 340 < left + width / 2 < 524
    assert answers.first.locator("rect.other").count() == 2
    tab.get_by_role("button", name="Show why").click()
    tab.locator(".st-key-compare_why_maps li.tile img").nth(1).wait_for()
    wait_for_pictures(tab)


@pytest.fixture
def scans(data_dir: Path) -> list[Image.Image]:
    """Two scans of one person of ORL, and one of each of two others."""
    with zipfile.ZipFile(data_dir / "orl-faces.zip") as archive:
        names = ("s1/1.pgm", "s1/5.pgm", "s2/1.pgm", "s4/1.pgm")
        return [decode_image(archive.read(name), name) for name in names]


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
