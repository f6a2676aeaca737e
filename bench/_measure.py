"""Shared by all measurements: timing in turns, ratios with their spread, tables and result files."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("results")
_options: list[str] = []  # of the command line, for the record
# Seconds after which the threads of the contestant before no longer wait actively for more work.
_PAUSE = 0.02


@dataclass(frozen=True)
class Ratio:
    """The ratio of two contestants' seconds over all rounds: its median and its quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)} to {_short(self.high)})"


@dataclass(frozen=True)
class Claim:
    """One row of the README's table.

    Attributes:
        what: the measurement, in words.
        ours, peer: the two figures, with their units.
        ratio: the measured ratio, with its spread.
        goal: set before measuring.
        met: whether the median reaches the goal.
    """

    what: str
    ours: str
    peer: str
    ratio: str
    goal: str
    met: bool


def options_of(doc: str, *more: tuple[str, dict[str, Any]]) -> argparse.Namespace:
    """Parse the command line: ``--quick``, and the options of one measurement."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a short trial that shows whether it works; ignore its figures"
    )
    for name, about in more:
        parser.add_argument(name, **about)
    _options[:] = ["DIR" if Path(word).is_absolute() else word for word in sys.argv[1:]]  # of one machine
    return parser.parse_args()


def take_turns(
    contestants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Call all contestants in turn; each round starts with another one.

    Returns:
        the seconds of every call, by contestant.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(-warm_up, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            time.sleep(_PAUSE)
            began = time.perf_counter()
            contestants[name]()
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Divide two contestants' seconds, round by round."""
    ratios = np.array(above) / np.array(below)
    return Ratio(*(float(np.quantile(ratios, q)) for q in (0.5, 0.25, 0.75)))


def median(values: Sequence[float]) -> float:
    return float(np.median(values))


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Format rows with equal keys as text; numbers are aligned to the right."""
    if not rows:
        return ""
    cells = [list(rows[0]), *([_cell(row[key]) for key in rows[0]] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    numeric = [isinstance(value, int | float) for value in rows[0].values()]
    return "\n".join(
        "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in zip(line, widths, numeric, strict=True))
        for line in cells
    )


def finish(
    name: str,
    claims: Sequence[Claim],
    rows: Sequence[Mapping[str, object]],
    quick: bool,
    part: str = "",
    **more: object,
) -> None:
    """Print the table and the claims, and write everything to ``bench/results`` as JSON.

    Args:
        name: of the measurement.
        claims: rows of the README's table.
        rows: everything that was measured.
        quick: whether it was only a trial.
        part: of the measurement, if it has parts that can be run alone.
        more: further values for the file.
    """
    print(table(rows))
    for claim in claims:
        verdict = "" if quick else (": met" if claim.met else ": MISSED")
        figures = f"{claim.ours} against {claim.peer}, ratio {claim.ratio}"
        print(f"{claim.what}: {figures} (goal {claim.goal}{verdict})")
    result = {
        "command": " ".join(["python -m bench", name, *_options]),
        "quick": quick,
        "machine": machine(),
        "claims": [asdict(claim) for claim in claims],
        "rows": list(rows),
        **more,
    }
    RESULTS.mkdir(exist_ok=True)
    result_file(f"{name}_{part}" if part else name, quick).write_text(
        json.dumps(result, indent=1) + "\n", encoding="utf-8"
    )


def result_file(name: str, quick: bool) -> Path:
    return RESULTS / (f"{name}.quick.json" if quick else f"{name}.json")


def machine() -> dict[str, object]:
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _cell(value: object) -> str:
    return _short(value) if isinstance(value, float) else str(value)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
