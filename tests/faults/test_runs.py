"""Runs in the background meet a full disk, a GPU without room, a clock set back; each goes on afterwards."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fsl.data.imageset import ImageSet
from fsl.errors import DeviceMemoryError
from fsl.training.background import RunManager, RunPlan
from fsl.training.datasource import TrainingData
from fsl.training.status import find_run, list_runs
from fsl.twin import checkpoint
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork
from tests.training.test_engine import CONFIG as SMALL
from tests.training.test_engine import MODEL

Maker = Callable[..., ImageSet]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[RunManager]:
    manager = RunManager(tmp_path / "runs")
    yield manager
    manager.close(10)


@pytest.fixture
def data(coloured_set: Maker) -> TrainingData:
    return TrainingData(coloured_set(), coloured_set(5, seed=1), "colours", "other colours")


def test_a_disk_that_fills_up_in_the_middle_of_a_run(
    manager: RunManager, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = os.fsync, []

    def fills_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 8:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills_up)
        run_id = manager.start(RunPlan(replace(SMALL, evaluate_every=2), MODEL, data))
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
    manager: RunManager, data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = TwinNetwork.embed, []

    def embed(twin: TwinNetwork, images: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        if len(calls) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return really(twin, images)

    with monkeypatch.context() as patch:
        patch.setattr(TwinNetwork, "embed", embed)
        run_id = manager.start(RunPlan(SMALL, MODEL, data))
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


def test_a_clock_set_back(manager: RunManager, data: TrainingData, monkeypatch: pytest.MonkeyPatch) -> None:
    first = manager.start(RunPlan(SMALL, MODEL, data))
    assert manager.wait(first, 60)
    really = time.strftime
    # A year back, and then standing still.
    monkeypatch.setattr(time, "strftime", lambda text, *rest: really(text, time.gmtime(10**9)))
    later = [manager.start(RunPlan(SMALL, MODEL, data)) for _ in range(2)]
    for run_id in later:
        assert manager.wait(run_id, 60)
    assert len({first, *later}) == 3
    runs = list_runs(manager.root)
    assert [run.status for run in runs] == ["finished"] * 3
    assert {run.id for run in runs} == {first, *later}
    old = manager.root / first / "checkpoint.safetensors"
    os.utime(old, (2**32, 2**32))  # a file from the future
    assert checkpoint.load(old).info.name == first
