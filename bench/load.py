"""Measure many visitors on one server: waiting times, memory, and whether sessions stay apart.

    python -m bench load [--sessions 20] [--training 2] [--seconds 60] [--rounds 3] [--out FILE.json]

It starts the app on loopback, warms it up with two visitors, one of whom trains, and measures one visitor
alone. Then many visitors classify and change pages at once while some of them train; after them, in the next
round, as many new visitors. Memory before and after each round is measured under the same conditions: no
visitor, no run, and enough time for the server to forget both. Caches fill up in the first round; what grows
from one round to the next would be a leak. The visitors speak Streamlit's own protocol
(``bench/_visitor.py``), because twenty browsers would take the cores. Every picture, class and run belongs to
one visitor, and no other visitor may see anything of it. Other measurements in the file that ``--out`` names
are kept; with ``--out bench/results/load.json``, the table in docs/deploy.md is written from it.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench._measure import RESULTS, machine, say
from bench._server import ROOT, running_app
from bench._visitor import TIMEOUT, Visitor
from bench.all import with_table
from fsl.training.run_folder import STOP, public_name
from fsl.training.status import list_runs

FILE, DOCS = RESULTS / "load.json", ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- load: written by `python -m bench load` -->", "<!-- /load -->"
KEPT_SECONDS = 20  # how long the server keeps a closed session in this measurement
FORGOTTEN_SECONDS = KEPT_SECONDS + 40  # by then it has dropped the session and returned its memory
SAMPLE_SECONDS = 2.0
POLL_SECONDS = 0.5  # as the pages do
RUN_ID = re.compile(rb"\d{8}-\d{6}(?:-[0-9a-f]{32})?(?:-\d{1,3}(?!\d))?")


@dataclass
class Seen:
    """The experience of one visitor.

    Attributes:
        answers: seconds from each dropped picture to its answer.
        pages: seconds of each change of the page.
        faults: errors, missing answers, and traces of other visitors.
        runs: everything received that looks like the id of a run.
    """

    answers: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)


def picture(rng: random.Random, side: int = 400) -> bytes:
    """Return a JPEG that no other visitor has."""
    noise = np.random.default_rng(rng.randrange(2**32))
    colour = noise.integers(0, 256, 3)
    rough = noise.integers(0, 60, (side // 8, side // 8, 3)) + colour * 0.75
    buffer = io.BytesIO()
    Image.fromarray(rough.clip(0, 255).astype(np.uint8)).resize((side, side)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def mark(number: int) -> str:
    """Return a word that only this visitor uses."""
    return f"visitor{number:03}word"


def visit(address: str, number: int, until: float, trains: bool, seen: Seen) -> None:
    """Act as one person: add classes, then classify pictures, and sometimes change the page."""
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
                seconds = answer_seconds(visitor, name, picture(rng))
                if seconds is None:
                    seen.faults.append(f"no answer: {visitor.text[-200:]}")
                else:
                    seen.answers.append(seconds)
                if round_ % 4 == 0:
                    seen.pages.append(visitor.open(rng.choice(["", "training", "embeddings"])))
                    seen.pages.append(visitor.open("classify"))
                if round_ % 10 == 0 and visitor.has("clear_queries"):
                    visitor.set("clear_queries", trigger_value=True)
                time.sleep(rng.uniform(1, 4))
            seen.faults += visitor.faults
            others = {mark(n).encode() for n in range(1000) if n != number}
            seen.faults += [f"saw {other!r}" for other in others if other in visitor.seen]
            seen.runs = runs_in(visitor.seen)
    except Exception as error:  # noqa: BLE001 - every failure counts
        seen.faults.append(f"{type(error).__name__}: {error}")


def answer_seconds(visitor: Visitor, name: str, data: bytes) -> float | None:
    """Drop a picture and return the seconds until its answer is there; None if it never comes.

    A page shows the progress of what takes it long, and asks for the page anew until that is done.
    """
    seconds = visitor.drop("queries", [(name, data)])
    began = time.perf_counter()
    while "Most like" not in visitor.text and "similar enough" not in visitor.text:
        if time.perf_counter() - began > TIMEOUT:
            return None
        time.sleep(POLL_SECONDS)
        visitor.open()
    return seconds + time.perf_counter() - began


@dataclass(frozen=True)
class Sample:
    """The server at one moment.

    Attributes:
        seconds: time since the first sample.
        megabytes: memory of the process (Linux).
        visitors: number of visitors connected.
        runs: number of runs that compute or wait.
    """

    seconds: float
    megabytes: float
    visitors: int
    runs: int


class Watch(threading.Thread):
    """A thread that samples the server.

    Args:
        process: the server's process.
        runs: the folder of its runs.
    """

    def __init__(self, process: subprocess.Popen[bytes], runs: Path) -> None:
        super().__init__(daemon=True)
        self._process, self._runs, self._over = process, runs, threading.Event()
        self._began = time.monotonic()
        self.visitors = 0
        self.samples: list[Sample] = []

    def now(self) -> Sample:
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        megabytes = int(text.split("VmRSS:")[1].split()[0]) / 1024
        live = sum(run.is_live for run in list_runs(self._runs))
        return Sample(round(time.monotonic() - self._began, 1), round(megabytes), self.visitors, live)

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.samples.append(self.now())

    def stop(self) -> None:
        self._over.set()
        self.join()

    def settled(self) -> Sample:
        """Stop all runs, wait until the server has forgotten runs and visitors, and sample it."""
        for run in list_runs(self._runs):
            if run.is_live:
                (run.folder / STOP).write_bytes(b"")
        deadline = time.monotonic() + 120
        while any(run.is_live for run in list_runs(self._runs)) and time.monotonic() < deadline:
            time.sleep(0.5)
        say("all visitors left; waiting until the server has forgotten them")
        time.sleep(FORGOTTEN_SECONDS)
        sample = self.now()
        say(f"the server has {sample.megabytes:,.0f} MB")
        return sample


def runs_in(received: bytes | bytearray) -> set[str]:
    """Return everything in a visitor's messages that looks like the id of a run."""
    return {found.decode() for found in RUN_ID.findall(received)}


def seen_by_several(seen: Sequence[Seen], runs: Path) -> list[str]:
    """Return the runs that several visitors saw, or that nothing was checked if no run was seen at all."""
    found, n_seen = [], 0
    for run in list_runs(runs):
        who = [number for number, one in enumerate(seen) if run.id in one.runs]
        n_seen += bool(who)
        if len(who) > 1:
            found.append(f"the run {public_name(run.id)} was seen by visitors {who}")
    return found if n_seen else ["not checked: no visitor saw any run, not even an own one"]


def visit_together(
    address: str, watch: Watch, sessions: int, seconds: float, trains: int, first: int = 0
) -> list[Seen]:
    """Let many visitors, numbered from ``first``, use the app at once; the first ``trains`` of them train."""
    seen = [Seen() for _ in range(sessions)]
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=visit, args=(address, first + number, until, number < trains, one))
        for number, one in enumerate(seen)
    ]
    for thread in threads:
        thread.start()
        watch.visitors += 1
        time.sleep(min(0.5, seconds / 10 / sessions))
    for thread in threads:
        thread.join()
        watch.visitors -= 1
    return seen


def figures(seen: list[Seen]) -> dict[str, Any]:
    """Summarise the experience of visitors."""
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


def measure(sessions: int, trains: int, seconds: float, rounds: int) -> dict[str, Any]:
    conditions = machine()
    options = ["--server.disconnectedSessionTTL", str(KEPT_SECONDS)]
    with tempfile.TemporaryDirectory() as name, running_app(Path(name), options) as app:
        runs = Path(name) / "runs"
        watch = Watch(app.process, runs)
        visit_together(app.address, watch, 2, 10, 1)  # loads torch, and everything else that training needs
        before = watch.settled()
        alone = visit_together(app.address, watch, 1, min(60.0, seconds / 2), 0)
        watch.start()
        many, after = list[Seen](), list[Sample]()
        for number in range(rounds):
            many += visit_together(app.address, watch, sessions, seconds, trains, number * sessions)
            after.append(watch.settled())
        watch.stop()
        mixed_up = seen_by_several(many, runs) if trains else []
        log = app.log.read_text(errors="replace")
    return {
        "machine": conditions,
        "seconds": seconds,
        "rounds": rounds,
        "alone": figures(alone),
        "together": figures(many),
        "runs_seen_by_others": mixed_up,
        "tracebacks_in_the_log": log.count("Traceback"),
        "before": asdict(before),
        "most": asdict(max(watch.samples, key=lambda sample: sample.megabytes)),
        "after_each_round": [asdict(sample) for sample in after],
        "samples": [asdict(sample) for sample in watch.samples[:: max(1, len(watch.samples) // 30)]],
    }


def table(results: Mapping[str, Any]) -> str:
    """Return the table of docs/deploy.md."""
    lines = [
        "| | an answer, median | 95th percentile | MB before | at most | after each round had left |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    alone = [result["alone"] for result in results.values()]
    middle, slow = (_spread(alone, name) for name in ("median_answer_seconds", "answer_seconds_95th"))
    lines.append(f"| one alone | {middle} | {slow} | | | |")
    for name, result in results.items():
        together, most = result["together"], result["most"]["megabytes"]
        after = ", ".join(f"{sample['megabytes']:,}" for sample in result["after_each_round"])
        lines.append(
            f"| {name} | {together['median_answer_seconds']:.2g} s | {together['answer_seconds_95th']:.2g} s "
            f"| {result['before']['megabytes']:,} | {most:,} | {after} |"
        )
    return "\n".join(lines)


def _spread(alone: Sequence[Mapping[str, float]], what: str) -> str:
    values = [one[what] for one in alone]
    return f"{min(values):.2f} to {max(values):.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--training", type=int, default=2, help="how many of them train")
    parser.add_argument("--seconds", type=float, default=60, help="of each round")
    parser.add_argument("--rounds", type=int, default=3, help="each with new visitors")
    parser.add_argument("--out", type=Path, metavar="FILE.json")
    parser.add_argument("--table", action="store_true", help="only write the table from the stored results")
    options = parser.parse_args()
    if options.table:
        write_table()
        return
    name = f"{options.sessions} visitors, {options.training} of them training"
    result = {name: measure(options.sessions, options.training, options.seconds, options.rounds)}
    print(json.dumps(result, indent=1))
    if options.out:
        former = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
        results = former | result
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        if options.out.resolve() == FILE:
            write_table()


def write_table() -> None:
    """Write the table in docs/deploy.md from the stored results."""
    results = json.loads(FILE.read_text(encoding="utf-8"))
    page = with_table(DOCS.read_text(encoding="utf-8"), table(results), BEGIN, END)
    DOCS.write_text(page, encoding="utf-8")
