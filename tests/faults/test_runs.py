"""Runs in the background meet a full disk, a GPU without room, a clock set back; each can be resumed."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fsl.base.errors import DeviceMemoryError, SettingsError, WriteError
from fsl.data.imageset import ImageSet
from fsl.training.manager import MOST_WAITING, RunManager
from fsl.training.run_data import TrainingData
from fsl.training.run_folder import CONFIG
from fsl.training.run_plan import RunPlan
from fsl.training.run_spec import RunSpec
from fsl.training.status import find_run, list_runs
from fsl.twin import checkpoint
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tests.helpers.training import CONFIG as SMALL
from tests.helpers.training import MODEL

Maker = Callable[..., ImageSet]


def test_a_disk_that_fills_up_in_the_middle_of_a_run(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = os.fsync, []

    def fills_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills_up)
        run_id = manager.start(RunPlan(RunSpec(replace(SMALL, evaluate_every=2)), MODEL, colours))
        assert manager.wait(run_id, 60)
    run = find_run(run_id, manager.root)
    assert run.status == "failed"
    assert "could not be written: No space left on device" in run.error
    checkpoint.load(run.folder / "checkpoint.safetensors")
    manager.resume(run_id)  # there is room again
    assert manager.wait(run_id, 60)
    run = find_run(run_id, manager.root)
    assert (run.status, run.error, run.problems) == ("finished", "", ())


def test_a_gpu_without_room_in_the_middle_of_a_run(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = TwinNetwork.embed, []

    def embed(twin: TwinNetwork, images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        if len(calls) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return really(twin, images)

    with monkeypatch.context() as patch:
        patch.setattr(TwinNetwork, "embed", embed)
        run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
        assert manager.wait(run_id, 60)
    run = find_run(run_id, manager.root)
    assert run.status == "failed"
    assert "The GPU has not enough free memory" in run.error
    checkpoint.load(run.folder / "checkpoint.safetensors")
    manager.resume(run_id)
    assert manager.wait(run_id, 60)
    assert find_run(run_id, manager.root).status == "finished"


def test_embedding_takes_smaller_batches_where_the_gpu_has_little_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    twin = TwinNetwork(MODEL).eval()
    side = MODEL.image_size
    images = np.random.default_rng(0).integers(0, 256, (21, side, side, 3), dtype=np.uint8)
    expected, really, room = embed_images(twin, images), TwinNetwork.embed, 5

    def embed(self: TwinNetwork, batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return really(self, batch)

    monkeypatch.setattr(TwinNetwork, "embed", embed)
    assert torch.allclose(embed_images(twin, images), expected, atol=1e-5)
    room = 0
    with pytest.raises(DeviceMemoryError, match="not enough free memory for even one picture"):
        embed_images(twin, images)


def refuse_writes(monkeypatch: pytest.MonkeyPatch, name: str, where: Callable[[Path], bool]) -> None:
    """The disk is full for files of that name, in the run folders ``where`` says."""
    really = Path.write_text, Path.open

    def write_text(path: Path, *rest: Any, **more: Any) -> int:
        refuse(path)
        return really[0](path, *rest, **more)

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode.startswith("a"):
            refuse(path)
        return really[1](path, mode, *rest, **more)

    def refuse(path: Path) -> None:
        if path.name == name and where(path.parent):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_text)
    monkeypatch.setattr(Path, "open", opened)


def test_a_disk_that_is_full_when_a_run_is_queued(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    manager.stop(run_id)
    assert manager.wait(run_id, 60)
    with monkeypatch.context() as patch:
        refuse_writes(patch, "phase", lambda folder: True)
        for begin in (
            lambda: manager.start(RunPlan(RunSpec(SMALL), MODEL, colours)),
            lambda: manager.resume(run_id),
        ):
            with pytest.raises(WriteError, match=r"phase could not be written: No space left"):
                begin()
    assert [run.id for run in list_runs(manager.root)] == [run_id]
    manager.resume(run_id)
    assert manager.wait(run_id, 60)
    assert find_run(run_id, manager.root).status == "finished"


def test_a_disk_that_is_full_when_a_run_begins_ends_that_run_alone(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.most_at_once = 0  # all wait
    first, second = manager.start_together([RunPlan(RunSpec(SMALL), MODEL, colours)] * 2)
    with monkeypatch.context() as patch:
        refuse_writes(patch, "phase", lambda folder: folder.name == first)
        manager.most_at_once = 2
        third = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
        for run_id in (first, second, third):
            assert manager.wait(run_id, 60)
    runs = {run.id: run for run in list_runs(manager.root)}
    assert [runs[run_id].status for run_id in (first, second, third)] == ["failed", "finished", "finished"]
    assert "phase could not be written: No space left on device" in runs[first].error
    manager.resume(first)
    assert manager.wait(first, 60)
    assert find_run(first, manager.root).status == "finished"


def test_a_disk_that_is_full_when_a_waiting_run_is_stopped(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.most_at_once = 0
    run_id = manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    with monkeypatch.context() as patch:
        refuse_writes(patch, "events.jsonl", lambda folder: True)
        manager.stop(run_id)
    assert manager.wait(run_id, 0)
    run = find_run(run_id, manager.root)
    assert run.status == "failed"  # nobody holds its folder any more
    assert "events.jsonl could not be written" in run.error


def test_more_runs_than_may_wait(manager: RunManager, colours: TrainingData) -> None:
    manager.most_at_once = 0
    waiting = [manager.start(RunPlan(RunSpec(SMALL), MODEL, colours)) for _ in range(MOST_WAITING)]
    with pytest.raises(SettingsError, match="20 runs are waiting already"):
        manager.start(RunPlan(RunSpec(SMALL), MODEL, colours))
    assert len(list_runs(manager.root)) == MOST_WAITING
    manager.stop(waiting[0])
    assert manager.start(RunPlan(RunSpec(SMALL), MODEL, colours)) in manager.queue()[1]


def test_a_clock_set_back(
    manager: RunManager, colours: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = manager.start(RunPlan(RunSpec(replace(SMALL, steps=50_000)), MODEL, colours))
    manager.stop(first)
    assert manager.wait(first, 60)
    settings = json.loads((manager.root / first / CONFIG).read_text())
    settings["begun"] = 2.0**32  # as it was before the clock was set back
    (manager.root / first / CONFIG).write_text(json.dumps(settings))
    really = time.strftime
    # A year back, and then standing still.
    monkeypatch.setattr(time, "strftime", lambda text, *rest: really(text, time.gmtime(10**9)))
    later = [manager.start(RunPlan(RunSpec(SMALL), MODEL, colours)) for _ in range(2)]
    for run_id in later:
        assert manager.wait(run_id, 60)
    assert len({first, *later}) == 3
    # Newest first, as far as the clock tells.
    runs = list_runs(manager.root)
    assert [(run.id, run.status) for run in runs] == [
        (first, "stopped"),
        (later[1], "finished"),
        (later[0], "finished"),
    ]
    manager.resume(first)
    until = time.monotonic() + 60
    while find_run(first, manager.root).steps_done < 3 and time.monotonic() < until:
        time.sleep(0.05)
    manager.stop(first)
    assert manager.wait(first, 60)
    run = find_run(first, manager.root)
    assert (run.status, run.problems, run.steps_done >= 3) == ("stopped", (), True)
    assert checkpoint.load(run.folder / "checkpoint.safetensors").info.name == first
