"""The estimate of a run's time: true within a factor of two, and it grows with what there is to do."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fsl.config import ModelConfig
from fsl.data.imageset import ImageSet
from fsl.training import estimate as estimates
from fsl.training.estimate import RunSize, estimate_run
from fsl.twin.network import seeded_network
from tests.helpers.training import CONFIG, run_in

Maker = Callable[..., ImageSet]
MODEL = ModelConfig(widths=(32, 32, 32, 32), image_size=48)


@pytest.mark.parametrize("kept", [0, 3])
def test_it_comes_true(kept: int, tmp_path: Path, coloured_set: Maker) -> None:
    config = replace(CONFIG, steps=60, evaluate_every=20, evaluate_first=True, cached_views=kept)
    config = replace(config, trainable="last" if kept else "all", batch_classes=8, batch_images=4)
    data, validation = coloured_set(10, 12, size=48), coloured_set(5, 10, seed=1, size=48)
    start = seeded_network(MODEL, 0)
    size = RunSize(10, len(data), 5, len(validation))
    estimate = estimate_run(config, start, size)
    began = time.perf_counter()
    list(run_in(tmp_path / "r", data, config, start, validation=validation))
    took = time.perf_counter() - began
    # Other programs may slow down either of the two.
    assert took / 4 < estimate.total < 4 * took
    assert 0 < estimate.first_point < estimate.total


def test_more_batches_tests_and_pictures_take_longer() -> None:
    """Counted, not timed: the same speed is assumed for all."""
    start, size = seeded_network(MODEL, 0), RunSize(10, 100, 5, 50)
    short = estimate_run(CONFIG, start, size)
    long = estimate_run(replace(CONFIG, steps=100 * CONFIG.steps), start, size)
    assert long.total > 5 * short.total
    assert estimate_run(CONFIG, start, replace(size, n_tested=0, n_tested_classes=0)).total < long.total


def test_what_the_first_batch_loads_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh server loads code in its first batch: the page once promised 7 minutes for less than one."""
    clock, batches = [0.0], iter([5.0, 0.1, 0.1])

    def train_on(*_: object) -> None:
        clock[0] += next(batches)

    monkeypatch.setattr(estimates, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(estimates, "train_on", train_on)
    estimate = estimate_run(replace(CONFIG, steps=100), seeded_network(MODEL, 0), RunSize(10, 100))
    assert estimate.total == pytest.approx(100 * 0.1, rel=0.2)
