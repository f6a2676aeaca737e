"""The whole corpus through the functions that read it, in a process of its own, measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.measure import MOST_MEGABYTES, MOST_SECONDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.hostile.measure", "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "hostile-pickle-was-run" not in done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_corpus_is_large_and_every_input_distinct(found: list[dict[str, Any]]) -> None:
    assert len(found) >= 500
    assert max(Counter((r["kind"], r["name"]) for r in found).values()) == 1
    assert len({r["kind"] for r in found}) >= 30


def test_every_input_is_read_or_refused_with_its_name_and_nothing_else_happens(
    found: list[dict[str, Any]],
) -> None:
    """No other exception, good files kept, nothing written elsewhere, no connection, no pickle opened."""
    assert [r for r in found if r["fault"]] == []


def test_time_and_memory_of_each_input_are_bounded(found: list[dict[str, Any]]) -> None:
    assert [(r["kind"], r["name"], r["seconds"]) for r in found if r["seconds"] > MOST_SECONDS] == []
    assert [(r["kind"], r["name"], r["megabytes"]) for r in found if r["megabytes"] > MOST_MEGABYTES] == []
