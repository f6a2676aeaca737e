"""The app as a real server on a free port of this machine, and the browser to look at it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

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
_STOP_SECONDS = 60


def chromium() -> str | None:
    """The installed browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_app(environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The app on a free port; its address. A traceback in its log is an error.

    Args:
        environment: variables to add; runs go to an empty folder unless it names one.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        variables = {**os.environ, "FSL_RUNS_DIR": f"{folder}/runs", **(environment or {})}
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=_STOP_SECONDS)
        said = log.read_text(encoding="utf-8", errors="replace")
        assert "Traceback" not in said, said


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
    raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8', errors='replace')}")
