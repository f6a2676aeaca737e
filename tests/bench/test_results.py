"""The table of results: its commands, what is left out, and how figures are computed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import results
from bench.all import README
from bench.results import BEGIN, END, TESTS, digest, read, rival_result, share_of_runs, tables
from fsl.__main__ import build_parser
from fsl.data.intake.splits import read_class_list
from fsl.twin.checkpoint_files import CHECKPOINT_DIR, SUFFIX, read_info


def result_of(test: results.Test, **more: Any) -> dict[str, Any]:
    return {"network": f"of {test.checkpoint}", "figure": f"figure of {test.what}", "seconds": 3.0, **more}


def of(name: str) -> str:
    return f"of {name}"


def test_every_test_has_its_own_valid_command() -> None:
    assert len({test.shown for test in TESTS}) == len(TESTS)
    for test in TESTS:
        if test.command[0] not in ("verify", "checkpoints"):
            build_parser(test.command[0]).parse_args([*test.command, "--json"])


def test_nothing_is_reported_on_classes_that_were_trained_on() -> None:
    for test in TESTS:
        if test.only_told:  # measured before the list was added to the network's training
            data, chosen, *_ = test.metric.split()
            assert chosen != "train"
            was_added = any(c.startswith(f"{data}/") for c in trained_on(test.checkpoint))
            assert not was_added or re.search("before they were added to its training|likewise", test.data)
        elif test.command[0] != "omniglot-runs":
            (found,) = re.findall(r"/splits/(\S+?\.json:\S+)", test.shown)
            assert "train" not in found


def trained_on(checkpoint: str) -> list[str]:
    classes: list[str] = read_info(CHECKPOINT_DIR / f"{checkpoint}{SUFFIX}").training["classes"]
    return classes


def test_classes_called_never_seen_are_not_in_the_training_set(data_dir: Path) -> None:
    for test in TESTS:
        for file, chosen in re.findall(r"/splits/(\S+?\.json):(\S+)", test.shown):
            trained = {name.split("/", 1)[-1] for name in trained_on(test.checkpoint)}
            names = read_class_list(f"{data_dir}/splits/{file}:{chosen}")
            assert not trained & {name.split("/", 1)[-1] for name in names}, test.shown


def test_results_of_changed_checkpoints_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fruits, glyphs = TESTS[0], TESTS[2]
    known = {fruits.shown: result_of(fruits), glyphs.shown: {**result_of(glyphs), "network": "another"}}
    text = tables(known, of)
    assert "`fruits`" in text
    assert "glyphs" not in text
    assert "glyphs has changed since" in capsys.readouterr().err


def test_unstructured_tests_have_a_table_of_their_own() -> None:
    known = {test.shown: result_of(test) for test in TESTS if test.checkpoint == "glyphs"}
    first, note, second = tables(known, of).split("\n\n")
    assert "within one alphabet" in first
    assert "`val` alphabets" not in first
    assert "easier task" in note
    assert second.count("`val` alphabets") == 2


def test_a_rival_is_compared_episode_by_episode() -> None:
    rng = np.random.default_rng(0)
    hardness = rng.random(300)
    ours = {"episode_accuracy": (hardness + 0.1).tolist()}
    theirs = {"episode_accuracy": hardness.tolist(), "accuracy": 0.5, "ci95": 0.01}
    found = rival_result(TESTS[0], ("evaluate",), ours, theirs)
    assert found["difference"] == pytest.approx(0.1)
    assert found["difference_ci95"] == pytest.approx(0, abs=1e-9)
    assert results.versus({"rival": found}) == "nearest neighbour by pixels: 0.500 ± 0.010; +0.100 ± 0.000"


def test_the_interval_of_one_shot_runs_is_over_runs() -> None:
    correct = [20, 19, 18, 20]
    runs = [{"correct": c, "total": 20} for c in correct]
    text = share_of_runs({"accuracy": 77 / 80, "correct": 77, "total": 80, "per_run": runs})
    half = 1.96 * np.std(np.array(correct) / 20, ddof=1) / 2
    assert text == f"0.9625 ± {half:.4f} (77 of 80)"


def test_a_failed_command_gives_a_note_and_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert results.output_of(("evaluate", "--data", "no-such", "--checkpoint", "no-such")) is None
    assert "no-such" in capsys.readouterr().err


def test_the_readme_shows_the_tables_of_the_stored_results() -> None:
    """If it fails, run ``python -m bench results --table``."""
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    shown = text.partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == tables(read(), digest).strip()


def test_a_header_s_figure_is_shown_with_that_of_plain_cosine() -> None:
    test = next(test for test in TESTS if test.only_told)
    out = results.header_of(test)
    assert out is not None
    assert 0 < out["accuracy"] < 1
    rival = results.plain_cosine_of(test)
    assert rival is not None
    assert results.versus({"rival": rival}).startswith("EfficientNet-Lite0, plain cosine: 0.")
    assert results.plain_cosine_of(TESTS[0]) is None
