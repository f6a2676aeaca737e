"""The basis of all measurements: strict turns, ratios, and the README's table of their results."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench._measure import ratio, result_file, table, take_turns
from bench._plot import Panel, save_panels
from bench.all import BEGIN, END, README, result_names, table_of, with_table


def test_turns_are_strict_and_everyone_is_first_equally_often() -> None:
    calls: list[str] = []
    seconds = take_turns({name: lambda name=name: calls.append(name) for name in "abc"}, rounds=6, warm_up=1)
    rounds = [calls[i : i + 3] for i in range(0, len(calls), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert Counter(one[0] for one in rounds[1:]) == {"a": 2, "b": 2, "c": 2}
    assert {name: len(values) for name, values in seconds.items()} == {"a": 6, "b": 6, "c": 6}


def test_ratio_is_round_by_round() -> None:
    rng = np.random.default_rng(0)
    machine = rng.uniform(1, 10, 20)  # a slow moment slows both
    found = ratio(list(3 * machine), list(machine))
    assert (found.median, found.low, found.high) == pytest.approx((3, 3, 3))
    spread = ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)
    assert (spread.low, spread.median, spread.high) == (2, 3, 4)


def test_table_aligns_numbers() -> None:
    lines = table([{"what": "one", "n": 1.0}, {"what": "a thousand", "n": 1234.5}]).splitlines()
    assert lines == ["what            n", "one             1", "a thousand  1,234"]


def result(quick: bool, met: bool) -> dict[str, object]:
    claim = {"what": "x", "ours": "1 s", "peer": "2 s", "ratio": "2", "goal": "3", "met": met}
    machine = {"processor": "p", "usable": 2, "cores": 2, "torch": "t"}
    return {"claims": [claim], "quick": quick, "machine": machine, "command": "python -m bench x"}


def test_the_table_marks_missed_goals_and_quick_trials() -> None:
    assert "**missed**" in table_of([result(quick=False, met=False)])
    assert "missed" not in table_of([result(quick=False, met=True)])
    assert "(quick trial)" in table_of([result(quick=True, met=True)])


def test_the_table_replaces_the_previous_one() -> None:
    readme = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    new = with_table(readme, "| new |")
    assert new == f"before\n{BEGIN}\n| new |\n{END}\nafter\n"
    assert with_table(new, "| new |") == new
    with pytest.raises(ValueError, match="markers"):
        with_table("no markers", "| new |")


def test_the_readme_shows_the_results_that_are_stored() -> None:
    """There is a row for every claim of every full run, with its figure."""
    readme = README.read_text(encoding="utf-8")
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    files = [file for name in result_names() if (file := result_file(name, False)).is_file()]
    stored = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    claims = [(claim["what"], claim["ours"]) for one in stored for claim in one["claims"]]
    rows = [line.removeprefix("| ").split(" | ") for line in shown.splitlines() if line.startswith("| ")][1:]
    assert claims
    assert [(row[0], row[1]) for row in rows] == claims


def test_plots_are_well_formed(tmp_path: Path) -> None:
    panel = Panel("a < b", "n", "s", {"one": [(10, 0.01), (1000, 2.0)], "two": [(10, 1.0), (100, 1.0)]})
    save_panels(tmp_path / "plot.svg", [panel] * 3)
    root = ET.parse(tmp_path / "plot.svg").getroot()
    assert sum(node.tag.endswith("polyline") for node in root.iter()) == 6
