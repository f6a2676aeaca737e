"""Measure how quickly the app reacts in a real browser.

    python -m bench app [--quick]

It starts the server anew for each round and drives Chromium through Playwright. It measures the time from a
cold start to the first paint and to the first answer (the example "Drawn fruit"); the time to change the
page, idle and while two jobs train; the bytes sent to the browser for each new point of the live curves and
for answers; and the work on 300 photos of 20 classes: from the drop to the answers, choosing, filtering, and
from corrections to new answers.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench._browser import chromium, new_page
from bench._measure import Claim, finish, median, options_of, say
from bench._photos import write_photos
from bench._server import App, running_app
from bench._sorting import (
    PAGE,
    answers,
    choose_filter,
    counts_shown,
    drop_classes,
    drop_queries,
    wait_for_answers,
)
from fsl.base.text import count

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

N_PHOTOS, N_CLASSES, N_EXAMPLES = 300, 20, 3
# The name of a link, and a text on its page.
PAGES = (("Classify", "1. Your classes"), ("Few-Shot Lab", "Teach it with a handful of pictures"))


@contextmanager
def server() -> Iterator[App]:
    """Start the app with an empty folder for runs."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app:
        yield app


def cold_start(browser: "Browser") -> dict[str, float]:
    """Measure a cold start: the seconds until the server, the first page and the first answer are there."""
    with server() as app:
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
        "first answer, from opening the page": answered - up,
    }


def header_link(page: "Page", name: str) -> "Locator":
    return page.locator(".st-key-header").get_by_role("link", name=name)


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


def sort_photos(browser: "Browser") -> dict[str, float]:
    """Measure the work on 300 photos of a camera's size; return seconds, and kilobytes for one choice."""
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), N_CLASSES, N_EXAMPLES + N_PHOTOS // N_CLASSES)
        files = {
            one.name: [(f"{one.name} {path.name}", path.read_bytes()) for path in sorted(one.iterdir())]
            for one in sorted(Path(folder).iterdir())
        }
    with server() as app:
        page = new_page(browser)
        bytes_of = count_received(page)
        page.goto(f"{app.address}/classify")
        drop_classes(page, {name: some[:N_EXAMPLES] for name, some in files.items()})
        page.locator(".st-key-self_check").wait_for()
        found: dict[str, float] = {}
        began = time.perf_counter()
        drop_queries(page, [one for some in files.values() for one in some[N_EXAMPLES:]])
        found["300 photos: from the drop to the answers"] = time.perf_counter() - began
        page.wait_for_timeout(5000)
        bytes_of.clear()
        found["300 photos: choose an answer"] = choose(page, 7)
        page.wait_for_timeout(2000)
        found["kB"] = sum(bytes_of) / 1000
        name, number = next(item for item in counts_shown(page).items() if 0 < item[1] < 50)
        began = time.perf_counter()
        choose_filter(page, name)
        wait_for_answers(page, number)
        found["300 photos: filter"] = time.perf_counter() - began
        choose_filter(page, "All")
        wait_for_answers(page, PAGE)
        choose(page, 0)
        for _ in range(5):
            page.keyboard.press("2")
        learn = page.get_by_role("button", name="Add 5 examples")
        learn.wait_for()
        began = time.perf_counter()
        learn.click()
        page.get_by_text("5 examples were added.").wait_for()
        found["300 photos: from five corrections to new answers"] = time.perf_counter() - began
        page.context.close()
    return found


def answer_bytes(browser: "Browser", numbers: Sequence[int]) -> dict[int, float]:
    """Return the kilobytes that the browser receives for the answers to so many dropped photos.

    Counted are the frames of the websocket and the bodies of all responses, pictures as well.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), N_EXAMPLES, N_EXAMPLES + 1 + max(numbers))
        files = {
            one.name: [(f"{one.name} {path.name}", path.read_bytes()) for path in sorted(one.iterdir())]
            for one in sorted(Path(folder).iterdir())
        }
    found = {}
    with server() as app:
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


def choose(page: "Page", place: int) -> float:
    """Click an answer, and return the seconds until its details are there."""
    answer = answers(page).nth(place)
    name = answer.locator(".name").inner_text().partition(",")[0]
    began = time.perf_counter()
    answer.click()
    page.locator(".st-key-detail").get_by_text(name).wait_for()
    return time.perf_counter() - began


def main() -> None:
    options = options_of(__doc__)
    rounds, n_changes = (1, 2) if options.quick else (5, 20)
    with chromium() as browser:
        starts = [cold_start(browser) for _ in range(rounds)]
        say(f"cold starts: {starts}")
        with server() as app:
            page = new_page(browser)
            page.goto(app.address)
            page.get_by_text(PAGES[1][1]).first.wait_for()
            page_changes(page, 1)
            idle = page_changes(page, n_changes)
            start_training(page)
            page.wait_for_timeout(3000)
            busy = page_changes(page, n_changes)
            n_bytes, updates = live_bytes(page, app.address, 5 if options.quick else 30)
            page.context.close()
        kilobytes = answer_bytes(browser, (1, 20))
        work = [sort_photos(browser) for _ in range(1 if options.quick else 3)]
    rows: list[dict[str, object]] = [
        {"what": what, "figure": f"{median([start[what] for start in starts]):.2f} s"} for what in starts[0]
    ]
    rows += [
        {"what": "change of page, idle", "figure": f"{median(idle):.2f} s (slowest {max(idle):.2f} s)"},
        {
            "what": "change of page, two trainings at once",
            "figure": f"{median(busy):.2f} s (slowest {max(busy):.2f} s)",
        },
        {"what": "growths of the live curves watched", "figure": str(updates)},
    ]
    rows += [
        {"what": f"received by the browser for answers to {count(number, 'photo')}", "figure": f"{kB:.0f} kB"}
        for number, kB in kilobytes.items()
    ]
    rows += [
        {"what": what, "figure": f"{median([one[what] for one in work]):.2f} s"}
        for what in work[0]
        if what != "kB"
    ]
    first = median([start["first answer, from opening the page"] for start in starts])
    paint = median([start["first paint, from opening the page"] for start in starts])
    slower = median(busy) / median(idle)
    claims = [
        Claim(
            "The app after a cold start: first paint, first answer of an example",
            f"{paint:.1f} s, {first:.1f} s",
            "-",
            "-",
            "-",
            True,
        ),
        Claim(
            "The app: change of page during two trainings, against idle",
            f"{median(busy):.2f} s",
            f"{median(idle):.2f} s",
            f"{slower:.1f}",
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
        Claim(
            "The app: received by the browser for the answer to one photo, to 20 photos",
            f"{kilobytes[1]:.0f} kB, {kilobytes[20]:.0f} kB",
            "-",
            "-",
            "at most 400 kB for one",
            kilobytes[1] <= 400,
        ),
        Claim(
            "The app: choose one of 300 answers; received by the browser for it",
            f"{median([one['300 photos: choose an answer'] for one in work]):.2f} s, "
            f"{median([one['kB'] for one in work]):.0f} kB",
            "-",
            "-",
            "at most 0.5 s and 400 kB",
            median([one["300 photos: choose an answer"] for one in work]) <= 0.5
            and median([one["kB"] for one in work]) <= 400,
        ),
    ]
    finish("app", claims, rows, options.quick)


if __name__ == "__main__":
    main()
