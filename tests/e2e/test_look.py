"""Every page, light and dark, wide and narrow: nothing blank, nothing cut off, nothing out of reach."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from tests.e2e.axe import violations
from tests.e2e.scenes import SCENES, Scene, settle

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
SERIOUS = ("serious", "critical")
# What one visit shows: a page that is empty first and filled next, and Learn, whose steps lead on.
VISITS = [list(scenes) for _, scenes in groupby(SCENES, lambda scene: scene.path.partition("?step=")[0])]
# By keyboard alone: every page with the most there is on it.
WALKED = ("home", "classify", "compare", "training", "embeddings", "evaluate", "learn-twin", "learn-loss")
# Pictures and canvases that show less than two colours, looked at through a small copy: nothing, or one blot.
BLANK = """all => all.filter(node => {
  if (!node.clientWidth) return false;
  if (node.tagName === "IMG" && (!node.complete || node.naturalWidth < 2)) return true;
  const copy = document.createElement("canvas");
  copy.width = copy.height = 64;
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(node, 0, 0, 64, 64);
  const pixels = new Uint32Array(context.getImageData(0, 0, 64, 64).data.buffer);
  return pixels.every(pixel => pixel === pixels[0]);
}).map(node => node.alt || node.getAttribute("aria-label") || node.outerHTML.slice(0, 80))"""
# Text of which a part is hidden, without a title that says all of it: it is to fit or to break.
CUT_OFF = """() => {
  const found = [];
  const visit = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) visit(node.shadowRoot);
      const says = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
      if (!says || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      if (node.clientWidth < 2 || node.clientHeight < 2 || node.closest("[title]")) continue;
      for (let box = node; box && box !== root; box = box.parentElement) {
        const style = getComputedStyle(box);
        const hides = value => value === "hidden" || value === "clip";
        if (style.overflowX === "auto" || style.overflowX === "scroll") break;
        const inner = node.getBoundingClientRect(), outer = box.getBoundingClientRect();
        if (box === node ? hides(style.overflowX) && node.scrollWidth > node.clientWidth + 1
                         : hides(style.overflowX) && inner.right > outer.right + 2) {
          found.push(node.textContent.trim().slice(0, 60));
          break;
        }
      }
    }
  };
  visit(document.querySelector("[data-testid=stMain]"));
  for (const input of document.querySelectorAll("[data-testid=stMain] input[type=text]"))
    if (input.checkVisibility() && input.scrollWidth > input.clientWidth + 1) found.push(input.value);
  return found;
}"""
TOO_WIDE = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  return Math.max(main.scrollWidth - main.clientWidth, document.documentElement.scrollWidth - innerWidth);
}"""
# How far a part of a page reaches below the screen.
HIDDEN_BELOW = "part => Math.max(0, Math.round(part.getBoundingClientRect().bottom - innerHeight))"
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
        // What was chosen of several is taken back with the backspace key, and a number stepped with the
        // arrow keys, from the field.
        && !(node.tabIndex < 0 && node.closest("[data-testid=stMultiSelect], [data-testid=stNumberInput]"))
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


@pytest.mark.parametrize("scenes", VISITS, ids=lambda scenes: " ".join(scene.name for scene in scenes))
def test_every_page_looks_right(server: str, tab: Page, scenes: list[Scene], lesson: str) -> None:
    """One visit: the look in both themes and widths, what axe-core says, and a walk by keyboard."""
    faults = []
    for scene, before in zip(scenes, (None, *scenes), strict=False):
        show_at(tab, WIDTHS[0], SCHEMES[0])
        if before is None:
            tab.goto(f"{server}/{scene.path.format(runs=lesson)}")
        elif scene.path != before.path:
            tab.locator(".st-key-learn_next button").click()
            tab.wait_for_url(f"{server}/{scene.path}")
            settle(tab)
        scene.ready(tab)
        settle(tab)
        if scene.name == "home":
            # One screen shows what the app does; the lesson follows.
            assert tab.locator(".st-key-home_steps").evaluate(HIDDEN_BELOW) == 0
        faults += [f"{scene.name} {fault}" for fault in faults_of_the_look(tab)]
        if scene.name in WALKED:
            show_at(tab, WIDTHS[0], SCHEMES[-1])
            faults += [f"{scene.name} out of reach: {missed}" for missed in out_of_the_keyboards_reach(tab)]
    assert faults == []


def show_at(tab: Page, width: int, scheme: str) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    settle(tab)


def faults_of_the_look(tab: Page) -> list[str]:
    """Look at a page in both themes and widths."""
    faults = []
    for width in WIDTHS:
        for scheme in SCHEMES:
            show_at(tab, width, scheme)
            found = faults_of(tab)
            if (width, scheme) in zip(WIDTHS, SCHEMES, strict=True):  # each width and each theme once
                found += axe_findings(tab)
            faults += [f"{scheme} {width}: {fault}" for fault in found]
    return faults


def faults_of(tab: Page) -> list[str]:
    faults = [f"blank: {name}" for name in tab.locator("img, canvas").evaluate_all(BLANK)]
    if (pixels := tab.evaluate(TOO_WIDE)) > 0:
        faults.append(f"{pixels} pixels wider than the screen")
    return [*faults, *(f"cut off: {text}" for text in tab.evaluate(CUT_OFF))]


def axe_findings(tab: Page) -> list[str]:
    """What axe-core calls serious or critical: contrast, names, labels, roles, keyboard traps."""
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['any'][0]['message'][:120] if node['any'] else ''})"
        for violation in violations(tab)
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def out_of_the_keyboards_reach(tab: Page) -> list[str]:
    """Return the controls that the Tab key does not reach."""
    n_controls = tab.evaluate(MARK_CONTROLS)
    assert n_controls > 5
    for _ in range(3 * n_controls):
        tab.keyboard.press("Tab")
        if tab.evaluate(NOTE_FOCUS) == 0:
            return []
    missed: list[str] = tab.evaluate(MISSED)
    return missed


def test_blank_pictures_and_cut_off_text_are_found(tab: Page) -> None:
    """The checks themselves: they find empty pictures and cut-off text, and nothing else."""
    tab.set_content(
        "<canvas id=none></canvas><canvas id=white></canvas><canvas id=drawn></canvas>"
        "<main data-testid=stMain><p style='overflow:hidden;white-space:nowrap;width:40px'>much too long</p>"
        "<p>fits</p></main>"
    )
    tab.evaluate(
        """() => {
          const fill = (id, colour, width) => {
            const context = document.getElementById(id).getContext("2d");
            context.fillStyle = colour;
            context.fillRect(0, 0, width, 150);
          };
          fill("white", "#fff", 300);
          fill("drawn", "#f00", 150);
        }"""
    )
    blank = tab.locator("canvas").evaluate_all(BLANK)
    assert [name.partition(" id=")[2][:6] for name in blank] == ['"none"', '"white']
    assert tab.evaluate(CUT_OFF) == ["much too long"]
