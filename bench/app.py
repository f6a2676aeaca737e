"""Measure how quickly the app reacts in a real browser.

    python -m bench app [--part NAME ...] [--quick]

It starts the server and drives Chromium through Playwright. The parts, each with a result file of its own:

- start: from a cold start to the first paint, to home's first answer, and to an answer on the Classify page
  (the example "Drawn fruit");
- pages: changing the page, idle and while two jobs train, and the bytes sent for the live curves;
- answers: the bytes received for the answers to one photo and to 20;
- sort_300: 300 photos of 20 classes from the drop to the answers, and then choosing, filtering, searching,
  correcting, renaming, ordering, and from five corrections to new answers;
- sort_3000: the same with 3,000 small photos from a zip;
- zip: reading a zip of 200 photos.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bench._browser import chromium, new_page
from bench._measure import Claim, finish, median, options_of, say
from bench._photos import photo_files
from bench._server import new_app
from bench._sort_parts import N_EXAMPLES, Part, read_zip, sort_300, sort_3000
from bench._sorting import drop_classes, drop_queries
from fsl.base.text import count

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

# The name of a link, and a text on its page.
PAGES = (("Classify", "1. Your classes"), ("Few-Shot Lab", "Teach it with a handful of pictures"))


def cold_start(browser: "Browser") -> dict[str, float]:
    """Measure a cold start: the seconds until the server, the first page and an answer on Classify."""
    with new_app() as app:
        up = time.perf_counter()
        page = new_page(browser)
        page.goto(app.address)
        page.get_by_text(PAGES[1][1]).first.wait_for()
        painted = time.perf_counter()
        header_link(page, "Classify").click()
        page.get_by_role("button", name="Drawn fruit").first.click()
        page.locator(".st-key-answers li.tile").first.wait_for()
        answered = time.perf_counter()
        page.context.close()
    return {
        "server up, from its start": up - app.began,
        "first paint, from opening the page": painted - up,
        "first answer on Classify, from opening the page": answered - up,
    }


def home_start(browser: "Browser") -> dict[str, float]:
    """Measure a cold start on the home page: the seconds until its example has an answer."""
    with new_app() as app:
        page = new_page(browser)
        began = time.perf_counter()
        page.goto(app.address)
        page.locator(".st-key-home_example h2").wait_for()
        answered = time.perf_counter()
        page.context.close()
    return {"first answer on the home page, from opening it": answered - began}


def start(browser: "Browser", quick: bool) -> Part:
    """Measure cold starts."""
    starts = [cold_start(browser) | home_start(browser) for _ in range(1 if quick else 5)]
    say(f"cold starts: {starts}")
    found = {what: median([one[what] for one in starts]) for what in starts[0]}
    _, paint, classify, home = found.values()
    claim = Claim(
        "The app after a cold start: first paint, home's first answer, an example's on Classify",
        f"{paint:.1f} s, {home:.1f} s, {classify:.1f} s",
        "-",
        "-",
        "-",
        True,
    )
    return [claim], [{"what": what, "figure": f"{seconds:.2f} s"} for what, seconds in found.items()]


def header_link(page: "Page", name: str) -> "Locator":
    return page.locator(".st-key-header").get_by_role("link", name=name)


def pages(browser: "Browser", quick: bool) -> Part:
    """Measure changes of page, idle and while two jobs train, and the traffic of the live curves."""
    n_changes = 2 if quick else 20
    with new_app() as app:
        page = new_page(browser)
        page.goto(app.address)
        page.get_by_text(PAGES[1][1]).first.wait_for()
        page_changes(page, 1)
        idle = page_changes(page, n_changes)
        start_training(page)
        page.wait_for_timeout(3000)
        busy = page_changes(page, n_changes)
        n_bytes, updates = live_bytes(page, app.address, 5 if quick else 30)
        page.context.close()
    claims = [
        Claim(
            "The app: change of page during two trainings, against idle",
            f"{median(busy):.2f} s",
            f"{median(idle):.2f} s",
            f"{median(busy) / median(idle):.1f}",
            "-",
            True,
        ),
        Claim(
            "The app: received by the browser for a growth of the live curves",
            f"{n_bytes / max(1, updates) / 1000:.1f} kB",
            "-",
            "-",
            "-",
            updates > 0,
        ),
    ]
    rows: list[dict[str, object]] = [
        {"what": f"change of page, {what}", "figure": f"{median(some):.2f} s (slowest {max(some):.2f} s)"}
        for what, some in (("idle", idle), ("two trainings at once", busy))
    ]
    return claims, [*rows, {"what": "growths of the live curves watched", "figure": str(updates)}]


def page_changes(page: "Page", rounds: int) -> list[float]:
    seconds = []
    for _ in range(rounds):
        for link, text in PAGES:
            began = time.perf_counter()
            header_link(page, link).click()
            page.get_by_text(text).first.wait_for()
            seconds.append(time.perf_counter() - began)
    return seconds


def start_training(page: "Page") -> None:
    """Start two jobs that compute at the same time; the three runs of each take turns."""
    for _ in range(2):
        # Reload, because the page shows the runs of the first job instead of the form.
        page.goto(page.url.rpartition("/")[0] + "/training")
        batches = page.get_by_role("spinbutton", name="Batches")
        batches.fill("100000")
        batches.press("Enter")
        page.get_by_role("button", name="Start training").click()
        page.locator(".curve canvas").first.wait_for()


def live_bytes(page: "Page", address: str, seconds: float) -> tuple[float, int]:
    """Return the bytes received while the page shows live curves, and how often the curves grew."""
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
    page.goto(f"{address}/training")  # opens a new socket, with the listener attached
    canvas = page.locator(".curve canvas").first
    canvas.wait_for()
    page.wait_for_timeout(2000)
    received.clear()
    growths, last = 0, canvas.get_attribute("data-last")
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        page.wait_for_timeout(50)
        now = canvas.get_attribute("data-last")
        growths, last = growths + (now != last), now
    return float(sum(received)), growths


def answers(browser: "Browser", quick: bool) -> Part:
    """Measure the bytes received for answers."""
    kilobytes = answer_bytes(browser, (1, 20))
    claim = Claim(
        "The app: received by the browser for the answer to one photo, to 20 photos",
        f"{kilobytes[1]:.0f} kB, {kilobytes[20]:.0f} kB",
        "-",
        "-",
        "at most 400 kB for one",
        kilobytes[1] <= 400,
    )
    return [claim], [
        {"what": f"received by the browser for answers to {count(number, 'photo')}", "figure": f"{kB:.0f} kB"}
        for number, kB in kilobytes.items()
    ]


def answer_bytes(browser: "Browser", numbers: Sequence[int]) -> dict[int, float]:
    """Return the kilobytes that the browser receives for the answers to so many dropped photos.

    Counted are the frames of the websocket and the bodies of all responses, pictures as well.
    """
    files = photo_files(N_EXAMPLES, N_EXAMPLES + 1 + max(numbers))
    found = {}
    with new_app() as app:
        for number in numbers:
            page = new_page(browser)
            received = count_received(page)
            page.goto(f"{app.address}/classify")
            drop_classes(page, {name: some[:N_EXAMPLES] for name, some in files.items()})
            page.locator(".st-key-self_check").wait_for()
            first, *others = next(iter(files.values()))[N_EXAMPLES:]
            drop_queries(page, [first])  # loads the parts of the program that draw answers
            page.wait_for_timeout(3000)
            received.clear()
            drop_queries(page, others[:number], 1)
            page.wait_for_timeout(3000)
            found[number] = sum(received) / 1000
            page.context.close()
    return found


def count_received(page: "Page") -> list[int]:
    """Return a list to which the bytes of each message and response are added."""
    bytes_of: list[int] = []
    page.on("websocket", lambda one: one.on("framereceived", lambda data: bytes_of.append(len(data))))
    page.on("requestfinished", lambda one: bytes_of.append(one.sizes()["responseBodySize"]))
    return bytes_of


PARTS: dict[str, Callable[["Browser", bool], Part]] = {
    "start": start,
    "pages": pages,
    "answers": answers,
    "sort_300": sort_300,
    "sort_3000": sort_3000,
    "zip": read_zip,
}


def main() -> None:
    about = {"nargs": "+", "choices": PARTS, "default": list(PARTS), "help": "only these (default: all)"}
    options = options_of(__doc__, ("--part", about))
    with chromium() as browser:
        for name in options.part:
            claims, rows = PARTS[name](browser, options.quick)
            finish("app", claims, rows, options.quick, part=name)


if __name__ == "__main__":
    main()
