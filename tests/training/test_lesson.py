"""The recorded lesson is what the engine and the judge say, and shows what it is told to show."""

from __future__ import annotations

import json

import pytest

from fsl.config import TrainConfig
from fsl.training.events import Evaluation, Finished, Step, Verdict
from fsl.training.lesson import RECORDED, recorded_lesson
from fsl.training.presets import PRESETS
from fsl.training.verdict import judge

LN2 = 0.6931


def test_the_runs_differ_in_nothing_but_the_rate() -> None:
    record = json.loads(RECORDED.read_text(encoding="utf-8"))
    rates = [run["config"].pop("learning_rate") for run in record["runs"]]
    assert tuple(rates) == PRESETS["article"].rates
    assert all(run["config"] == record["runs"][0]["config"] for run in record["runs"])
    assert record["runs"][0]["config"]["steps"] == PRESETS["article"].config.steps
    assert record["runs"][0]["config"].keys() < TrainConfig().to_json().keys()


def test_each_run_is_whole_and_its_verdict_is_the_judges() -> None:
    for run in recorded_lesson().runs:
        assert isinstance(run.events[-1], Finished)
        verdict = [event for event in run.events if isinstance(event, Verdict)][-1]
        before = run.events[: run.events.index(verdict)]
        assert judge([e for e in before if not isinstance(e, Verdict)]) == verdict


def test_the_lesson_is_in_it() -> None:
    """At 0.0001 the loss falls; at the highest rate it stays constant, and is called stalled."""
    runs = recorded_lesson().runs
    low, high = runs[0], runs[-1]
    first, *_, last = [e.loss for e in low.events if isinstance(e, Step)]
    assert low.learning_rate == 1e-4
    assert last < 0.85 * first
    late = [e.loss for e in high.events if isinstance(e, Step)][-20:]
    assert late == pytest.approx([LN2] * 20, abs=0.01)
    assert [e.kind for e in high.events if isinstance(e, Verdict)][-1] == "stalled"
    tests = [[e.accuracy for e in r.events if isinstance(e, Evaluation)] for r in runs]
    assert len({accuracies[0] for accuracies in tests}) == 1  # all begin at the same point
    assert all(accuracies[-1] > accuracies[0] + 0.1 for accuracies in tests[:-1])
    assert tests[-1][-1] < 0.5 * tests[-1][0]
