"""Embeddings recorded through a run: few, small, bounded, and those of the run's own network."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fsl.base.errors import DataError
from fsl.data.imageset import ImageSet
from fsl.training.run_folder import CHECKPOINT
from fsl.training.snapshots import (
    FOLDER,
    MOST_FRAMES,
    THUMBNAIL,
    Recorder,
    frames_apart,
    read_frames,
    read_images,
    read_snapshots,
    recorded_steps,
    spread_over_classes,
)
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import embed_images
from tests.helpers.training import CONFIG, MODEL, run_in

Maker = Callable[..., ImageSet]


def test_a_run_records_its_evaluations(tmp_path: Path, coloured_set: Maker) -> None:
    config = replace(CONFIG, snapshot_images=12, evaluate_first=True)
    validation = coloured_set(5, seed=1)
    list(run_in(tmp_path / "r", coloured_set(), config, MODEL, validation=validation))
    found = read_snapshots(tmp_path / "r")
    assert found is not None
    assert found.steps[0] == 0
    assert {5, 10, 12} <= set(found.steps)  # the evaluations
    assert found.steps[1] == frames_apart(config, 12)
    side = min(THUMBNAIL, validation.images.shape[1])
    assert found.images.thumbnails.shape == (12, side, side, 3)
    assert set(np.bincount(found.images.labels)) == {2, 3}  # evenly over the classes
    rows = [validation.names.index(name) for name in found.images.names]
    assert (validation.labels[rows] == found.images.labels).all()
    twin = checkpoints.load(tmp_path / "r" / CHECKPOINT).twin
    assert np.allclose(found.frames[-1], embed_images(twin, validation.images[rows]).numpy(), atol=0.02)
    assert found.frames[0].dtype == np.float16
    assert not np.allclose(found.frames[0], found.frames[-1])


def test_nothing_is_recorded_by_default(tmp_path: Path, coloured_set: Maker) -> None:
    list(run_in(tmp_path / "r", coloured_set(), CONFIG, MODEL, validation=coloured_set(5)))
    assert read_snapshots(tmp_path / "r") is None


def test_disk_is_bounded_however_long_the_run(tmp_path: Path, coloured_set: Maker) -> None:
    validation = coloured_set(5)
    recorder = Recorder(tmp_path, validation, replace(CONFIG, snapshot_images=300))
    for step in range(150):
        recorder.record(step, torch.randn(len(validation), 5000))
    found = read_snapshots(tmp_path)
    assert found is not None
    assert len(found.steps) <= MOST_FRAMES
    assert (found.steps[0], found.steps[-1]) == (0, 149)
    assert max(frame.shape[1] for frame in found.frames) <= 1024
    gaps = np.diff(found.steps)
    assert gaps.max() <= 8  # 150 / 60 is 2.5


def test_a_damaged_recording_gives_a_plain_message(tmp_path: Path, coloured_set: Maker) -> None:
    validation = coloured_set(5)
    Recorder(tmp_path, validation, replace(CONFIG, snapshot_images=10)).record(
        1, torch.randn(len(validation), 8)
    )
    file = tmp_path / "snapshots" / "1.npy"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="are damaged"):
        read_snapshots(tmp_path)


def test_spread_takes_the_first_of_each_class_first() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    assert spread_over_classes(labels, 5).tolist() == [0, 1, 4, 5, 6]
    assert spread_over_classes(labels, 100).tolist() == list(range(7))


def test_frames_between_evaluations_cost_a_bounded_share() -> None:
    for steps in (20, 300, 20_000):
        for n in (12, 150, 300):
            config = replace(CONFIG, steps=steps)
            frames = steps // frames_apart(config, n)
            trained = 3 * steps * config.batch_classes * config.batch_images
            assert frames * n <= 0.15 * trained
            assert frames <= 30


def test_frames_do_not_change_what_is_learned(tmp_path: Path, coloured_set: Maker) -> None:
    validation = coloured_set(5, seed=1)
    twins = []
    for n in (0, 12):
        config = replace(CONFIG, snapshot_images=n)
        list(run_in(tmp_path / str(n), coloured_set(), config, MODEL, validation=validation))
        twins.append(checkpoints.load(tmp_path / str(n) / CHECKPOINT).twin.state_dict())
    assert all(torch.equal(twins[0][key], twins[1][key]) for key in twins[0])


def test_embeddings_beyond_16_bits_are_scaled_and_broken_ones_left_out(
    tmp_path: Path, coloured_set: Maker
) -> None:
    validation = coloured_set(5)
    recorder = Recorder(tmp_path, validation, replace(CONFIG, snapshot_images=10))
    huge = torch.randn(len(validation), 8) * 1e8
    recorder.record(1, huge)
    recorder.record(2, huge * float("nan"))
    found = read_snapshots(tmp_path)
    assert found is not None
    assert found.steps == (1,)
    assert np.isfinite(found.frames[0]).all()
    rows = [validation.names.index(name) for name in found.images.names]
    cosine = torch.cosine_similarity(torch.from_numpy(found.frames[0].astype(np.float32)), huge[rows])
    assert cosine.min() > 0.999
    assert len(list((tmp_path / FOLDER).glob("*.npy"))) == 1


def test_a_frame_of_other_images_is_refused(tmp_path: Path, coloured_set: Maker) -> None:
    validation = coloured_set(5)
    Recorder(tmp_path, validation, replace(CONFIG, snapshot_images=10)).record(
        1, torch.randn(len(validation), 8)
    )
    np.save(tmp_path / FOLDER / "2.npy", np.zeros((3, 8), np.float16))
    with pytest.raises(DataError, match="other images"):
        read_snapshots(tmp_path)


def test_frames_that_the_run_thins_out_while_they_are_read_are_left_out(
    tmp_path: Path, coloured_set: Maker
) -> None:
    validation = coloured_set(5)
    recorder = Recorder(tmp_path, validation, replace(CONFIG, snapshot_images=10))
    for step in (1, 2, 3):
        recorder.record(step, torch.full((len(validation), 8), float(step)))
    steps = recorded_steps(tmp_path)
    (tmp_path / FOLDER / "2.npy").unlink()
    found = read_frames(tmp_path, read_images(tmp_path), steps)
    assert (steps, found.steps) == ((1, 2, 3), (1, 3))
    assert [float(frame.mean()) for frame in found.frames] == [1, 3]
