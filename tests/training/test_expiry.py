"""Runs of visitors and copies of their pictures go after the stated days; nothing goes by default."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fsl.base.errors import DataError
from fsl.data.imageset import ImageSet
from fsl.training.expiry import expire
from fsl.training.manager import RunManager
from fsl.training.run_data import TrainingData
from fsl.training.run_lock import acquire
from fsl.training.run_plan import RunPlan
from fsl.training.run_spec import RunSpec
from fsl.training.status import find_run, list_runs
from tests.helpers.training import CONFIG, MODEL

DAY = 86_400.0


def test_what_expires(
    tmp_path: Path, coloured_set: Callable[..., ImageSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = TrainingData(coloured_set(), coloured_set(5, seed=1), "colours", "other colours")
    manager, later = RunManager(tmp_path), time.time()
    shell, visitor = (manager.start(RunPlan(RunSpec(CONFIG), MODEL, data, name)) for name in ("", "somebody"))
    for run_id in (shell, visitor):
        assert manager.wait(run_id, 60)
    manager.close(10)
    assert expire(tmp_path, later + 1000 * DAY) == 0
    monkeypatch.setenv("FSL_PICTURE_DAYS", "7")
    monkeypatch.setenv("FSL_RUN_DAYS", "30")
    assert expire(tmp_path, later + 6 * DAY) == 0
    assert expire(tmp_path, later + 8 * DAY) == 1
    copies = ("data.npz", "snapshots")
    assert not any((tmp_path / visitor / name).exists() for name in copies)
    assert (tmp_path / shell / "data.npz").exists()
    kept = find_run(visitor, tmp_path)
    assert kept.status == "finished"  # with its curve and its network,
    assert kept.has_checkpoint
    assert kept.has_own_pictures  # and still nobody else's business
    with acquire(tmp_path / visitor):  # somebody resumes it
        assert expire(tmp_path, later + 31 * DAY) == 0
    assert expire(tmp_path, later + 31 * DAY) == 1
    assert [run.id for run in list_runs(tmp_path)] == [shell]
    with pytest.raises(DataError):
        find_run(visitor, tmp_path)
