"""The parts of ``python -m bench app`` that sort photos on the Classify page."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench._browser import new_page
from bench._measure import Claim, median, say
from bench._photos import photo_files
from bench._server import new_app
from bench._sorting import (
    PAGE,
    Files,
    answers,
    choose,
    correct,
    counts_shown,
    drop_classes,
    drop_queries,
    order_by,
    rename_first_class,
    search,
    show_only,
    timed,
    wait_for_answers,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Seconds = dict[str, list[float]]
File = tuple[str, bytes]
Part = tuple[list[Claim], list[dict[str, object]]]
N_CLASSES, N_EXAMPLES, N_CORRECTED = 20, 3, 5
_GOAL = 0.5
_SMALL = (256, 192)
_CAMERA = (1024, 768)
_LARGE = (4032, 3024)
ACTIONS = ("choose an answer", "filter by class", "search by name", "correct an answer", "rename a class")


def photos(n_queries: int, width: int, height: int) -> tuple[dict[str, Files], list[File]]:
    """Return a few photos of each class, and the photos to sort."""
    files = photo_files(N_CLASSES, N_EXAMPLES + n_queries // N_CLASSES, width, height)
    examples = {name: some[:N_EXAMPLES] for name, some in files.items()}
    return examples, [one for some in files.values() for one in some[N_EXAMPLES:]]


def sort_300(browser: Browser, quick: bool) -> Part:
    """Measure sorting 300 photos, from the drop to the corrected answers."""
    classes, queries = photos(300, *_CAMERA)
    found: Seconds = {}
    for _ in range(1 if quick else 3):
        sort_once(browser, classes, queries, found)
    claims = [
        Claim(
            "300 photos dropped on Classify: to the answers; from five corrections to new answers",
            f"{median(found['from the drop to the answers']):.0f} s, "
            f"{median(found['from five corrections to new answers']):.1f} s",
            "-",
            "-",
            "-",
            True,
        ),
        claim_of_actions(300, found),
    ]
    return claims, rows_of("300 photos", found)


def sort_once(
    browser: Browser, classes: Mapping[str, Files], queries: Sequence[File], found: Seconds
) -> None:
    with new_app() as app:
        page = new_page(browser)
        page.goto(f"{app.address}/classify")
        drop_classes(page, classes)
        page.locator(".st-key-self_check").wait_for()
        note(found, "from the drop to the answers", partial(drop_queries, page, queries))
        page.wait_for_timeout(5000)
        work_through(page, [name for name, _ in queries], found)
        page.context.close()


def sort_3000(browser: Browser, quick: bool) -> Part:
    """Sort 3,000 small photos from a zip."""
    n_queries = 300 if quick else 3000
    classes, queries = photos(n_queries, *_SMALL)
    found: Seconds = {}
    with new_app() as app:
        page = new_page(browser)
        page.set_default_timeout(500_000)
        page.goto(f"{app.address}/classify")
        note(found, "zip read", partial(drop_classes, page, classes, queries))
        note(found, "from then to the answers", partial(wait_for_answers, page, PAGE))
        say(f"{found}")
        page.wait_for_timeout(5000)
        work_through(page, [name for name, _ in queries], found)
        page.context.close()
    claims = [
        Claim(
            f"{n_queries:,} small photos in a zip dropped on Classify: read; from then to the answers",
            f"{found['zip read'][0]:.0f} s, {found['from then to the answers'][0]:.0f} s",
            "-",
            "-",
            "-",
            True,
        ),
        claim_of_actions(n_queries, found),
    ]
    return claims, rows_of(f"{n_queries:,} photos", found)


def read_zip(browser: Browser, quick: bool) -> Part:
    """Read a zip of 200 photos: of a camera's 12 megapixels, and smaller ones."""
    found: Seconds = {}
    for title, size in (("0.8", _CAMERA), ("12", _LARGE)):
        classes, more = photos(20 if quick else 140, *size)
        with new_app() as app, tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "photos.zip"
            with zipfile.ZipFile(file, "w") as archive:
                for name, data in (one for some in (*classes.values(), more) for one in some):
                    archive.writestr(f"{name.rpartition(' ')[0]}/{name}", data)
            page = new_page(browser)
            page.goto(f"{app.address}/classify")
            note(found, f"zip of 200 photos of {title} megapixels read", partial(drop_zip, page, file))
            page.context.close()
    figures = ", ".join(f"{seconds[0]:.1f} s" for seconds in found.values())
    what = "A zip of 200 photos read by Classify: of 0.8 megapixels each, of 12 megapixels each"
    return [Claim(what, figures, "-", "-", "-", True)], rows_of("", found)


def drop_zip(page: Page, file: Path) -> None:
    page.get_by_role("button", name="Folder or zip").click()
    page.locator('[class*="st-key-drop_zip_"] input[type=file]').set_input_files(file)
    page.get_by_text(f"Added {N_CLASSES} new classes").wait_for()


def work_through(page: Page, names: Sequence[str], found: Seconds) -> None:
    """Measure what a person does with the answers, most of it five times, and add the seconds."""
    places = range(3, 36, 7)
    for place in places:
        note(found, "choose an answer", partial(choose, page, place))
    counts, others = counts_shown(page), ("All", "unknown", "Checked", "To check", first_title(page))
    of_class = next(name for name, number in counts.items() if number and name not in others)
    for _ in places:
        note(found, "filter by class", partial(show_only, page, of_class))
        show_only(page, "All")
    name = next(one for one in names if sum(one in other for other in names) == 1)
    for _ in places:
        note(found, "search by name", partial(search, page, name, 1))
        search(page, "", PAGE)
    for place in range(N_CORRECTED):
        choose(page, 9 * place)
        note(found, "correct an answer", partial(correct, page, "2"))
    for number in places:
        note(found, "rename a class", partial(rename_first_class, page, f"Renamed {number}"))
    for title in ("Least certain first", "What to label next", "As dropped"):
        note(found, f"order: {title}", partial(order_by, page, title))
    note(found, "from five corrections to new answers", partial(learn, page))


def learn(page: Page) -> None:
    page.get_by_role("button", name=f"Add {N_CORRECTED} examples").click()
    page.get_by_text(f"{N_CORRECTED} examples were added.").wait_for()


def first_title(page: Page) -> str:
    return answers(page).first.locator(".title").inner_text()


def note(found: Seconds, what: str, action: Callable[[], object]) -> None:
    found.setdefault(what, []).append(timed(action))


def claim_of_actions(n: int, found: Seconds) -> Claim:
    figures = [median(found[what]) for what in ACTIONS]
    return Claim(
        f"{n:,} answers: " + ", ".join(ACTIONS),
        ", ".join(f"{seconds:.2f}" for seconds in figures) + " s",
        "-",
        "-",
        f"at most {_GOAL} s each",
        max(figures) <= _GOAL,
    )


def rows_of(title: str, found: Seconds) -> list[dict[str, object]]:
    before = f"{title}: " if title else ""
    return [{"what": before + what, "figure": figure(seconds)} for what, seconds in found.items()]


def figure(seconds: Sequence[float]) -> str:
    """Return the median, and the spread where there are several."""
    more = f" ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} times)" if len(seconds) > 1 else ""
    return f"{median(seconds):.2f} s{more}"
