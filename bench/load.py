"""Many people on one server: do they wait, do they see one another's, does the memory stay?

    python -m bench load [--sessions 20] [--seconds 300] [--out bench/results/load.json]

Starts the app on loopback, measures one visitor alone, then lets many classify and change pages at once while
two of them train. The visitors speak Streamlit's own protocol (``bench/_visitor.py``), as twenty browsers
would take the cores. Every picture and class is one visitor's own, and nothing of it may reach another.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench._visitor import Visitor

ROOT = Path(__file__).resolve().parents[1]
TRAINING = 2  # visitors who train
KEPT_SECONDS = 20  # how long the server keeps a closed session, in this measurement
SAMPLE_SECONDS = 2.0


@dataclass
class Seen:
    """What one visitor met.

    Attributes:
        answers: seconds from a dropped picture to its answer.
        pages: seconds to change the page.
        faults: what should not have been.
    """

    answers: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def picture(rng: random.Random, side: int = 400) -> bytes:
    """A photo-sized picture that nobody else has."""
    noise = np.random.default_rng(rng.randrange(2**32))
    colour = noise.integers(0, 256, 3)
    rough = noise.integers(0, 60, (side // 8, side // 8, 3)) + colour * 0.75
    buffer = io.BytesIO()
    Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize((side, side)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def mark(number: int) -> str:
    """A word that only this visitor uses."""
    return f"visitor{number:03}word"


def visit(address: str, number: int, until: float, trains: bool, seen: Seen) -> None:
    """One person: some classes, then pictures to classify, now and then another page."""
    rng = random.Random(number)
    try:
        with Visitor(address) as visitor:
            visitor.open()
            visitor.open("classify")
            for card in (0, 1):
                visitor.set(f"class_name_{card}", string_value=f"{mark(number)}{card}")
                visitor.drop(
                    f"class_{card}", [(f"{mark(number)}{card}{i}.jpg", picture(rng)) for i in range(3)]
                )
            if trains:
                visitor.open("training")
                visitor.set("start_training", trigger_value=True)
                visitor.open("classify")
            round_ = 0
            while time.monotonic() < until:
                round_ += 1
                name = f"{mark(number)}q{round_}.jpg"
                seen.answers.append(visitor.drop("queries", [(name, picture(rng))]))
                if "Most like" not in visitor.text and "similar enough" not in visitor.text:
                    seen.faults.append(f"no answer: {visitor.text[-200:]}")
                if round_ % 4 == 0:
                    seen.pages.append(visitor.open(rng.choice(["", "training", "embeddings"])))
                    seen.pages.append(visitor.open("classify"))
                if round_ % 10 == 0 and visitor.has("clear_queries"):
                    visitor.set("clear_queries", trigger_value=True)
                time.sleep(rng.uniform(1, 4))
            seen.faults += visitor.faults
            others = {mark(n).encode() for n in range(1000) if n != number}
            seen.faults += [f"saw {other!r}" for other in others if other in visitor.seen]
    except Exception as error:  # noqa: BLE001 - counted, whatever it is
        seen.faults.append(f"{type(error).__name__}: {error}")


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app on a free port, with folders of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.port", str(port), "--server.disconnectedSessionTTL", str(KEPT_SECONDS)]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    environment = {**os.environ, "FSL_RUNS_DIR": str(folder / "runs"), "OMP_WAIT_POLICY": "PASSIVE"}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_until_up(address: str, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def megabytes(process: subprocess.Popen[bytes]) -> float:
    """Memory the server holds (Linux)."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Memory(threading.Thread):
    """Samples the server's memory."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._process, self._over = process, threading.Event()
        self.samples: list[tuple[float, float]] = []

    def run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(SAMPLE_SECONDS):
            self.samples.append((time.monotonic() - began, megabytes(self._process)))

    def stop(self) -> None:
        self._over.set()
        self.join()

    def slope_after(self, share: float) -> float:
        """Megabytes a minute by a straight line, the first ``share`` of the time left out as warm-up."""
        late = [s for s in self.samples if s[0] >= share * self.samples[-1][0]]
        seconds, values = np.array(late).T
        return float(np.polyfit(seconds / 60, values, 1)[0])


def together(address: str, sessions: int, seconds: float, trains: int) -> list[Seen]:
    """Many visitors at once."""
    seen = [Seen() for _ in range(sessions)]
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=visit, args=(address, number, until, number < trains, one))
        for number, one in enumerate(seen)
    ]
    for thread in threads:
        thread.start()
        time.sleep(min(0.5, seconds / 10 / sessions))
    for thread in threads:
        thread.join()
    return seen


def figures(seen: list[Seen]) -> dict[str, Any]:
    answers = [a for one in seen for a in one.answers]
    pages = [p for one in seen for p in one.pages]
    return {
        "sessions": len(seen),
        "answers": len(answers),
        "median_answer_seconds": round(statistics.median(answers), 3) if answers else None,
        "answer_seconds_95th": round(float(np.quantile(answers, 0.95)), 3) if answers else None,
        "page_changes": len(pages),
        "median_page_seconds": round(statistics.median(pages), 3) if pages else None,
        "faults": [fault for one in seen for fault in one.faults][:20],
        "n_faults": sum(len(one.faults) for one in seen),
    }


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return {
        "processor": name,
        "cores_of_this_process": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


def measure(sessions: int, seconds: float) -> dict[str, Any]:
    conditions = machine()
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (address, process):
        together(address, 1, 5, 0)  # the first one waits for torch
        alone = together(address, 1, min(60.0, seconds / 2), 0)
        before = megabytes(process)
        memory = Memory(process)
        memory.start()
        many = together(address, sessions, seconds, TRAINING)
        memory.stop()
        during = max(value for _, value in memory.samples)
        print("the visitors have gone; waiting for the server to forget them", file=sys.stderr)
        time.sleep(KEPT_SECONDS + 40)
        after = megabytes(process)
        log = (Path(name) / "log.txt").read_text(errors="replace")
    return {
        "machine": conditions,
        "seconds": seconds,
        "alone": figures(alone),
        "together": figures(many),
        "tracebacks_in_the_log": log.count("Traceback"),
        "megabytes": {
            "before": round(before),
            "most": round(during),
            "after_all_left": round(after),
            "slope_a_minute_after_warm_up": round(memory.slope_after(0.4), 1),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    options = parser.parse_args()
    result = measure(options.sessions, options.seconds)
    text = json.dumps(result, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
