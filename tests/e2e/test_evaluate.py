"""The Evaluate page in a real browser: a zip, figures, a mistake's pictures, and what can be downloaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench._sorting import drop_classes
from fsl.data.examples import digits_task
from tests.e2e.scenes import settle

if TYPE_CHECKING:
    from playwright.sync_api import Page


# What a select box shows is the value of an input, or a text beside it.
SHOWN = """key => {
  const box = document.querySelector(`.st-key-${key}`)
  if (!box) return ""  // while the page is drawn
  return box.innerText + [...box.querySelectorAll("input")].map(input => input.value).join(" ")
}"""


def wait_until_shown(tab: Page, key: str, text: str) -> None:
    """Wait until the select box of that key shows ``text``."""
    tab.wait_for_function(f"([key, text]) => ({SHOWN})(key).includes(text)", arg=[key, text])


def test_the_zip_of_my_classes_gives_the_same_figures_and_a_mistake_is_opened(server: str, tab: Page) -> None:
    tab.goto(f"{server}/classify?network=fruits")
    drop_classes(tab, digits_task(n_way=6, n_shot=6, n_query=1, seed=1).classes)
    tab.get_by_role("link", name="Evaluate").click()
    wait_until_shown(tab, "ev_source", "My classes on the Classify page")
    tab.locator(".st-key-ev_start button:enabled").click()
    figure = tab.get_by_role("heading", name="% correct")
    figure.wait_for()
    before = figure.inner_text()
    settle(tab)  # a file that is asked for while its button is being drawn anew is not found
    tab.get_by_role("tab", name="Files").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="The pictures (zip)").click()
    file = download.value
    drop = {
        "name": file.suggested_filename,
        "mimeType": "application/zip",
        "buffer": file.path().read_bytes(),
    }

    tab.get_by_role("button", name="Upload").first.click()
    tab.locator('[class*="st-key-ev_zip_"] input[type=file]').set_input_files([drop])
    wait_until_shown(tab, "ev_source", "My pictures")
    tab.keyboard.press("Escape")
    tab.locator(".st-key-ev_start button:enabled").click()
    # The colon is followed by a sign without width, which keeps Streamlit from reading a name of an icon.
    evaluated = tab.get_by_text(re.compile(r"My pictures:\W+36 pictures of 6 classes"))
    evaluated.wait_for()
    figure.wait_for()
    assert figure.inner_text() == before
    settle(tab)
    open_a_mistake(tab)

    tab.get_by_role("tab", name="Files").click()
    tab.get_by_text(f"python -m fsl evaluate --data {file.suggested_filename}").first.wait_for()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Summary (CSV)").click()
    assert download.value.path().read_text(encoding="utf-8").startswith("network,way,shot")

    tab.reload()
    wait_until_shown(tab, "ev_source", "My pictures")
    evaluated.wait_for()


def open_a_mistake(tab: Page) -> None:
    """Click on a square of the matrix, which opens that mistake instead of the most frequent one."""
    tab.locator(".st-key-ev_bars .js-plotly-plot").wait_for()
    tab.locator(".st-key-ev_matrix .js-plotly-plot").wait_for()
    wait_until_shown(tab, "ev_mistake", "taken for")
    before = tab.evaluate(SHOWN, "ev_mistake")
    tab.locator('[class*="st-key-ev_confused"] li.tile').first.wait_for()
    tab.locator(".st-key-ev_matrix").scroll_into_view_if_needed()
    place = tab.locator(".st-key-ev_matrix .js-plotly-plot").evaluate(
        """(plot, before) => {
             const {text, x, y} = plot.data[1], area = plot._fullLayout, box = plot.getBoundingClientRect()
             const i = text.findIndex(one => !before.includes(one.split(":")[0].replace(",", "")))
             return [box.left + area.xaxis._offset + area.xaxis.d2p(x[i]),
                     box.top + area.yaxis._offset + area.yaxis.d2p(y[i])]
           }""",
        before,
    )
    tab.mouse.click(*place)
    tab.wait_for_function(f"before => ({SHOWN})('ev_mistake') !== before", arg=before)
    settle(tab)
