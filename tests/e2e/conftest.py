"""A real server and a real browser."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.scenes import train_lesson
from tests.e2e.server import BROWSER_ARGUMENTS, ROOT, chromium, running_app
from tests.helpers.networks import save_small_checkpoint

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page


HERE = Path(__file__).parent
_FAILED = pytest.StashKey[bool]()
_PATIENCE = 150_000  # milliseconds: a busy machine takes its time


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, or fail where FSL_REQUIRE_BROWSER says it must be there."""
    executable = chromium()
    if executable is None or importlib.util.find_spec("playwright") is None:
        message = "the browser tests need chromium (apt-get install chromium) and playwright"
        if os.environ.get("FSL_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints that ship, or a small stand-in where there is none."""
    shipped = ROOT / "checkpoints"
    if any(shipped.glob("*.safetensors")):
        return shipped
    folder = tmp_path_factory.mktemp("checkpoints")
    save_small_checkpoint(folder)
    return folder


@pytest.fixture(scope="package")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's runs are."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="package")
def lesson(runs_folder: Path) -> str:
    """Three short runs that are over, by their ids."""
    return train_lesson(runs_folder, steps=40, side=16)


@pytest.fixture(scope="package")
def server(checkpoint_folder: Path, runs_folder: Path) -> Iterator[str]:
    """The app on a free port of this machine; its address."""
    settings = {"FSL_CHECKPOINT_DIR": str(checkpoint_folder), "FSL_RUNS_DIR": str(runs_folder)}
    with running_app(settings) as address:
        yield address


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep whether a test failed, for what is told about its tab."""
    report = yield
    item.stash[_FAILED] = report.failed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a browser test that timed out once more, as the machine may be busy. The summary names it."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """The window of all tabs: opening one costs a second of the processor, and so does an empty cache."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(_PATIENCE)
    yield context
    context.close()


@pytest.fixture
def tab(window: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A fresh tab of a new visitor; errors on its console, and requests to other hosts, fail the test.

    When a test fails, what the tab showed is printed: it may not fail a second time.
    """
    page = window.new_page()
    faults: list[str] = []
    page.on("console", lambda message: _note_error(message, faults))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: _note_foreign(request.url, faults))
    yield page
    if request.node.stash.get(_FAILED, False):
        print(f"The tab at {page.url} showed:\n{page.locator('body').inner_text()}")
    for opened in window.pages:
        if opened.url.startswith("http"):
            opened.evaluate("localStorage.clear()")
        opened.close()
    window.clear_cookies()
    assert faults == []


def _note_error(message: ConsoleMessage, faults: list[str]) -> None:
    # Opened at a page's own address, Streamlit first looks for its server below it; that is how it finds it.
    is_search = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
    if message.type == "error" and not is_search:
        faults.append(f"{message.text} ({message.location['url']})")


def _note_foreign(url: str, faults: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        faults.append(f"request to {url}")
