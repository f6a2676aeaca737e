"""A real server and a real browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages.helpers import save_small_checkpoint

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[2]
BROWSER_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
_START_SECONDS = 60


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, or fail where FSL_REQUIRE_BROWSER says it must be there."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        message = "the browser tests need chromium (apt-get install chromium) and playwright"
        if os.environ.get("FSL_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints that ship, or a small stand-in where there is none."""
    shipped = ROOT / "checkpoints"
    if any(shipped.glob("*.safetensors")):
        return shipped
    folder = tmp_path_factory.mktemp("checkpoints")
    save_small_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def server(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a free port of this machine; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    runs = tmp_path_factory.mktemp("runs")
    environment = {**os.environ, "FSL_CHECKPOINT_DIR": str(checkpoint_folder), "FSL_RUNS_DIR": str(runs)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
    assert "Traceback" not in log.read_text(encoding="utf-8", errors="replace")


def _wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.2)
    pytest.fail(f"the server did not start: {log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A fresh tab; errors on its console, and requests to other hosts, fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("console", lambda message: _note_error(message, faults))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: _note_foreign(request.url, faults))
    yield page
    context.close()
    assert faults == []


def _note_error(message: ConsoleMessage, faults: list[str]) -> None:
    # Opened at a page's own address, Streamlit first looks for its server below it; that is how it finds it.
    is_search = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
    if message.type == "error" and not is_search:
        faults.append(f"{message.text} ({message.location['url']})")


def _note_foreign(url: str, faults: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        faults.append(f"request to {url}")
