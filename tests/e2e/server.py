"""The app as a real server on a free port of this machine, and the browser to look at it with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench._server import ROOT as ROOT
from bench._server import running_app as running_server

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


def chromium() -> str | None:
    """The installed browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_app(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The app on a free port; its address. A traceback in its log is an error.

    Args:
        environment: variables to add; runs go to an empty folder unless it names one.
    """
    with tempfile.TemporaryDirectory() as folder:
        with running_server(Path(folder), environment=environment) as app:
            yield app.address
        said = app.log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in said, said
