"""Measure the time from "Start training" to the first point of the live curves, in a real browser.

    python -m bench first_point [--quick]

The server is warm: the Train page has been open for a while. Each round starts the page's default, three
learning rates side by side on handwritten digits, and stops them again. Goal: two seconds.
"""

import time
from typing import TYPE_CHECKING

from bench._browser import chromium, new_page
from bench._measure import Claim, finish, median, options_of, say
from bench.app import server

if TYPE_CHECKING:
    from playwright.sync_api import Page

GOAL_SECONDS = 2.0
WARM_SECONDS = 30.0


def main() -> None:
    options = options_of(__doc__)
    rows = []
    with server() as app, chromium() as browser:
        tab = new_page(browser, height=1000)
        tab.goto(f"{app.address}/training")
        tab.get_by_role("button", name="Start training").wait_for()
        time.sleep(WARM_SECONDS)
        for number in range(1 if options.quick else 5):
            rows.append({"round": number + 1, **one_round(tab, app.address)})
            say(str(rows[-1]))
    first = median([row["first point, s"] for row in rows])
    claim = Claim(
        "From the click to the first point of the live curves, warm, three runs at once",
        f"{first:.2f} s",
        f"{GOAL_SECONDS:g} s",
        f"{first / GOAL_SECONDS:.2f}",
        f"at most {GOAL_SECONDS:g} s",
        first <= GOAL_SECONDS,
    )
    finish("first_point", [claim], rows, options.quick)


def one_round(tab: "Page", address: str) -> dict[str, float]:
    """Return the seconds until the page says "starting", and until a curve has a point."""
    tab.goto(f"{address}/training")
    batches = tab.get_by_role("spinbutton", name="Batches")
    batches.fill("100000")
    batches.press("Enter")
    time.sleep(3)  # the page settles
    began = time.perf_counter()
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_text("starting").first.wait_for()
    seen = time.perf_counter() - began
    tab.locator('.curve canvas[data-points]:not([data-points="0"])').first.wait_for()
    point = time.perf_counter() - began
    tab.get_by_role("button", name="Stop all").click()
    tab.get_by_role("button", name="Resume all").wait_for()
    return {"says so, s": round(seen, 2), "first point, s": round(point, 2)}


if __name__ == "__main__":
    main()
