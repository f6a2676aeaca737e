"""Screenshots of every page: ``python -m tests.e2e.screenshots FOLDER [--scene NAME] [--width PIXELS]``."""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.e2e.scenes import SCENES, settle
from tests.e2e.server import BROWSER_ARGUMENTS, chromium, running_app

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")


def main() -> None:
    parser = argparse.ArgumentParser(description="Screenshots of every page, light and dark.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scene", action="append", choices=[scene.name for scene in SCENES])
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--scheme", action="append", choices=SCHEMES)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with running_app() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=BROWSER_ARGUMENTS)
        for scheme in arguments.scheme or SCHEMES:
            for width in arguments.width or WIDTHS:
                for scene in SCENES:
                    if arguments.scene and scene.name not in arguments.scene:
                        continue
                    context = browser.new_context(
                        viewport={"width": width, "height": 900}, color_scheme=scheme
                    )
                    tab = context.new_page()
                    tab.set_default_timeout(240_000)  # a busy machine takes its time
                    tab.goto(f"{address}/{scene.path}")
                    scene.ready(tab)
                    settle(tab)
                    height = tab.locator("[data-testid=stMain]").evaluate("main => main.scrollHeight")
                    tab.set_viewport_size({"width": width, "height": min(2600, max(900, height))})
                    tab.wait_for_timeout(300)  # charts redraw for the new height
                    tab.screenshot(path=arguments.folder / f"{scene.name}-{scheme}-{width}.png")
                    context.close()
                    print(scene.name, scheme, width, flush=True)
        browser.close()


if __name__ == "__main__":
    main()
