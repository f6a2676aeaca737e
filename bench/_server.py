"""Start the app as a server on a free local port, for measurements and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
STOP_SECONDS = 60


@dataclass(frozen=True)
class App:
    """A running server.

    Attributes:
        address: "http://127.0.0.1:8501".
        process: the server's process.
        log: file with its output.
        began: ``time.perf_counter()`` when it was started.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    began: float


def start_app(
    folder: Path,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    port: int = 0,
) -> App:
    """Start the app and wait until it answers.

    Args:
        folder: holds its log, and its runs unless ``environment`` names another folder.
        options: options of ``streamlit run``.
        environment: variables to add.
        port: of this machine; 0 for any free one.

    Raises:
        RuntimeError: the server does not start; the message holds its log.
    """
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *options]
    variables = {**os.environ, "FSL_RUNS_DIR": str(folder / "runs"), **(environment or {})}
    log = folder / "log.txt"
    began = time.perf_counter()
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=out)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return App(address, process, log, began)
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    process.kill()
    process.wait(STOP_SECONDS)
    raise RuntimeError(f"the server did not start: {log.read_text(encoding='utf-8', errors='replace')}")


@contextmanager
def running_app(
    folder: Path,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    port: int = 0,
) -> Iterator[App]:
    """Start the app like ``start_app``, and stop it at the end."""
    app = start_app(folder, options, environment, port)
    try:
        yield app
    finally:
        app.process.terminate()
        app.process.wait(STOP_SECONDS)


@contextmanager
def new_app() -> Iterator[App]:
    """Start the app with an empty folder for runs, and stop it at the end."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app:
        yield app
