"""What axe-core finds on every page; ``python -m tests.e2e.axe`` writes it into docs/accessibility.md."""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.scenes import SCENES, settle, train_lesson
from tests.e2e.server import BROWSER_ARGUMENTS, ROOT, chromium, running_app

if TYPE_CHECKING:
    from playwright.sync_api import Page

TABLE = ROOT / "docs" / "accessibility.md"
IMPACTS = ("critical", "serious", "moderate", "minor")
_BEGIN, _END = "<!-- axe: written by `python -m tests.e2e.axe` -->\n", "<!-- /axe -->\n"


def violations(tab: Page) -> list[dict[str, Any]]:
    """The rules that the page breaks, with impact and nodes; without axe-core the test is skipped."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        message = "this needs axe-playwright-python (in the extra [dev])"
        if os.environ.get("FSL_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from axe_playwright_python.sync_playwright import Axe

    found: dict[str, Any] = Axe().run(tab, options={"resultTypes": ["violations"]}).response
    rules: list[dict[str, Any]] = found["violations"]
    return rules


def main() -> None:
    """Visit every scene in both themes and widths, and write the table."""
    parser = argparse.ArgumentParser(description="Write what axe-core finds into docs/accessibility.md.")
    parser.parse_args()
    from playwright.sync_api import sync_playwright

    rows = []
    with tempfile.TemporaryDirectory() as runs, tempfile.TemporaryDirectory() as data:
        lesson = train_lesson(Path(runs), steps=40)
        with (
            running_app({"FSL_RUNS_DIR": runs, "FSL_DATA_DIR": data}) as address,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
            for scene in SCENES:
                tab = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
                tab.set_default_timeout(240_000)
                tab.goto(f"{address}/{scene.path.format(runs=lesson)}")
                scene.ready(tab)
                rows.append(_row(scene.name, tab))
                print(rows[-1], flush=True)
                tab.context.close()
            browser.close()
    text = TABLE.read_text(encoding="utf-8")
    head, tail = text.partition(_BEGIN)[0], text.partition(_END)[2]
    table = ["| scene | " + " | ".join(IMPACTS) + " | rules |", "|---|---|---|---|---|---|", *rows]
    TABLE.write_text(f"{head}{_BEGIN}" + "\n".join(table) + f"\n{_END}{tail}", encoding="utf-8")


def _row(name: str, tab: Page) -> str:
    worst: Counter[str] = Counter()
    rules = set()
    for width in (1440, 390):
        tab.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            settle(tab)
            found: Counter[str] = Counter()
            for rule in violations(tab):
                found[rule["impact"]] += len(rule["nodes"])
                rules.add(rule["id"])
            worst |= found
    return f"| {name} | {' | '.join(str(worst[impact]) for impact in IMPACTS)} | {', '.join(sorted(rules))} |"


if __name__ == "__main__":
    main()
