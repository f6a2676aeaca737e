"""Every page, light and dark, wide and narrow: nothing blank, nothing cut off, nothing out of reach."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.scenes import SCENES, Scene, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
SERIOUS = ("serious", "critical")
BLANK_PICTURES = (
    "all => all.filter(i => !i.complete || i.naturalWidth < 2).map(i => i.alt || i.src.slice(0, 60))"
)
# A canvas without a single drawn pixel, looked at through a small copy.
BLANK_CANVASES = """all => all.filter(canvas => {
  if (!canvas.clientWidth) return false;
  const copy = document.createElement("canvas");
  copy.width = copy.height = 64;
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0, 64, 64);
  return !context.getImageData(0, 0, 64, 64).data.some(value => value > 0);
}).length"""
TOO_WIDE = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return Math.max(main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - innerWidth);
}"""
# What the keyboard must reach, numbered so that it can be told which of them it did.
MARK_CONTROLS = """() => {
  const controls = [];
  const visit = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) visit(node.shadowRoot);
      if (node.matches("a[href], button, input, select, textarea, [role=slider], [role=radio]")
        && !node.disabled && node.checkVisibility({ visibilityProperty: true }) && node.type !== "file"
        // The arrow of a list opens what its field opens with the arrow keys.
        && !(node.tabIndex < 0 && node.parentElement.querySelector("input"))
        && !(node.matches("[role=radio], [type=radio]") && node.getAttribute("aria-checked") !== "true"))
        controls.push(node);
    }
  };
  visit(document.querySelector("[data-testid=stMain]"));
  window.controls = new Set(controls);
  return controls.length;
}"""
NOTE_FOCUS = """() => {
  let node = document.activeElement;
  while (node && node.shadowRoot && node.shadowRoot.activeElement) node = node.shadowRoot.activeElement;
  // Within a row of segments the arrow keys go on.
  const group = node && node.closest("[data-testid=stButtonGroup]");
  for (const control of window.controls)
    if (control === node || (group && group.contains(control))) window.controls.delete(control);
  return window.controls.size;
}"""
MISSED = "() => [...window.controls].map(c => c.outerHTML.slice(0, 160))"


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_every_page_looks_right(server: str, tab: Page, scene: Scene) -> None:
    tab.goto(f"{server}/{scene.path}")
    scene.ready(tab)
    settle(tab)
    faults = []
    for scheme in SCHEMES:
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 900})
            settle(tab)
            faults += [f"{scheme} {width}: {fault}" for fault in faults_of(tab)]
        tab.set_viewport_size({"width": WIDTHS[0], "height": 900})
        faults += [f"{scheme}: {fault}" for fault in axe_findings(tab)]
    assert faults == []


def faults_of(tab: Page) -> list[str]:
    faults = [f"blank picture: {name}" for name in tab.locator("img").evaluate_all(BLANK_PICTURES)]
    if blank := tab.locator("canvas").evaluate_all(BLANK_CANVASES):
        faults.append(f"{blank} blank canvases")
    if (pixels := tab.evaluate(TOO_WIDE)) > 0:
        faults.append(f"{pixels} pixels wider than the screen")
    return faults


def axe_findings(tab: Page) -> list[str]:
    """What axe-core calls serious or critical: contrast, names, labels, roles, keyboard traps."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        if os.environ.get("FSL_REQUIRE_BROWSER") == "1":
            pytest.fail("the browser tests need axe-playwright-python (requirements-dev.txt)")
        return []
    from axe_playwright_python.sync_playwright import Axe

    result: dict[str, Any] = Axe().run(tab, options={"resultTypes": ["violations"]}).response
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['any'][0]['message'][:120] if node['any'] else ''})"
        for violation in result["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("name", ["home", "classify", "learn-twin", "learn-loss"])
def test_the_keyboard_alone_reaches_everything(server: str, tab: Page, name: str) -> None:
    scene = next(scene for scene in SCENES if scene.name == name)
    tab.goto(f"{server}/{scene.path}")
    scene.ready(tab)
    settle(tab)
    n_controls = tab.evaluate(MARK_CONTROLS)
    assert n_controls > 5
    for _ in range(3 * n_controls):
        tab.keyboard.press("Tab")
        if tab.evaluate(NOTE_FOCUS) == 0:
            return
    assert tab.evaluate(MISSED) == []
