"""Estimate how long a run will take on this machine, by timing one batch and a few images of a test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from fsl.base.errors import DataError
from fsl.config import FEW_SHOTS, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.episodes import fit_ways
from fsl.fewshot.evaluate import evaluate
from fsl.training.batch import Batch, draw_batch, index_to_train_on, train_on
from fsl.training.state import TrainState, dump_state, new_state
from fsl.training.validation import MAX_EVALUATION_IMAGES_PER_CLASS, embed_evaluated
from fsl.twin.inference import batch_size
from fsl.twin.network import TwinNetwork

_CALIBRATIONS = 4  # tests' worth of arithmetic that calibrating the three rules and the pairs takes
_MOST_CALLS, _LONG = 3, 2.0  # calls of timed work, and seconds after which there is no third one
_LOADING = 8.0  # seconds; a first call that takes less may have spent most of them on loading code
_MORE_SAVES = 3  # before the first batch, at the end, and when it is calibrated
_PARTS_OF_SAVE = 3  # the checkpoint and writing both files take about twice as long as serialising the state
_FRAMES = 1.15  # frames of the moving map take up to 15% more


@dataclass(frozen=True)
class RunSize:
    """How many images a run has.

    Attributes:
        n_classes: classes to learn.
        n_images: images to learn from.
        n_tested_classes: classes of the images to test on; 0 for no tests.
        n_tested: images to test on.
    """

    n_classes: int
    n_images: int
    n_tested_classes: int = 0
    n_tested: int = 0


@dataclass(frozen=True)
class Estimate:
    """How long a run will take once its images are read, in seconds.

    Attributes:
        first_point: until the first test or the first batch is reported, whichever is later.
        total: until its network is calibrated and saved.
    """

    first_point: float
    total: float


def estimate_run(config: TrainConfig, start: ModelConfig | TwinNetwork, size: RunSize) -> Estimate:
    """Time one batch and a few images, on noise; the time of neither depends on what an image shows.

    Args:
        start: an architecture, or a network, which is copied.
        size: how many images it will have.

    Raises:
        SettingsError: the settings are impossible on this machine.
    """
    state = new_state(config, start)
    data = _noise(config, state.twin.config.image_size, size.n_classes)
    index = index_to_train_on(data, state.twin)
    batch = draw_batch(index, config, state.sampler)
    opening, per_view = _seconds_of_views(state, data, batch)
    per_batch = _fastest(lambda: train_on(state, data, batch, config))
    embedding, judging = _seconds_of_test(state, config, data, size, per_view)
    first_test = embedding + judging if config.evaluate_first else 0.0
    n_tests = _n_tests(config) if size.n_tested else 0
    if state.features is None:
        tests = n_tests * (embedding + judging)
        training = config.steps * per_batch
        first_point = first_test + per_batch
    else:  # each image passes the frozen layers once
        tests = embedding + n_tests * judging
        training = config.steps * per_batch + size.n_images * config.cached_views * per_view
        n_first = max(len(batch.rows), min(size.n_images, state.twin.config.adapter))  # these fit the adapter
        first_point = first_test + per_batch + n_first * per_view
    per_save = _PARTS_OF_SAVE * _fastest(lambda: dump_state(state))
    first_point += opening + 2 * per_save
    frames = _FRAMES if config.snapshot_images and state.features is None else 1.0
    copies = state.twin.config.support_views - 1 if _is_few(size) else 0
    closing = (copies + (state.features is None)) * embedding + _CALIBRATIONS * judging
    saves = (n_tests + _MORE_SAVES) * per_save
    return Estimate(first_point, opening + tests + frames * training + closing + saves)


def _noise(config: TrainConfig, side: int, n_classes: int) -> ImageSet:
    """Return a set just large enough for one batch."""
    if config.pairing == "all":
        n, per_class = min(config.batch_classes, max(2, n_classes)), config.batch_images
    else:
        n, per_class = max(2, min(n_classes, 4)), 2
    pixels = np.random.default_rng(0).integers(0, 256, (n * per_class, side, side, 3), dtype=np.uint8)
    names = tuple(map(str, range(n)))
    return ImageSet(pixels, np.repeat(np.arange(n), per_class), names, ("",) * len(pixels))


def _seconds_of_views(state: TrainState, data: ImageSet, batch: Batch) -> tuple[float, float]:
    """Return the seconds to start the frozen layers and those for each image; 0 if nothing is kept."""
    if state.features is None:
        return 0.0, 0.0
    each = []
    began, before = time.perf_counter(), state.features.n_views
    started = began
    for _ in state.features.compute(data, batch.rows, batch.views):
        now, n_views = time.perf_counter(), state.features.n_views
        each.append((now - began) / (n_views - before))
        began, before = now, n_views
    per_view = float(np.median(each))
    return max(0.0, began - started - before * per_view), per_view


def _seconds_of_test(
    state: TrainState, config: TrainConfig, data: ImageSet, size: RunSize, per_view: float
) -> tuple[float, float]:
    """Return the seconds that a test takes to embed its images, and then to judge its episodes.

    Images of a test pass the same frozen layers as views; ``per_view`` is 0 if none are kept.
    """
    if not size.n_tested:
        return 0.0, 0.0
    n_classes = max(2, size.n_tested_classes)
    n = min(size.n_tested, MAX_EVALUATION_IMAGES_PER_CLASS * n_classes)
    few = data.images[: batch_size(state.twin)]
    per_image = per_view or _fastest(lambda: embed_evaluated(state.twin, few, None)) / len(few)
    embedding = per_image * n
    labels = np.sort(np.arange(n) % n_classes)
    embeddings = torch.rand(n, state.twin.embedding_dim, generator=torch.Generator().manual_seed(0))
    try:
        episodes = fit_ways(config.evaluation, labels)[0]
    except DataError:  # too few images for a test
        return 0.0, 0.0
    fewer = replace(episodes, n_episodes=min(50, episodes.n_episodes))
    seconds = _fastest(lambda: evaluate(state.twin.eval(), embeddings, labels, fewer))
    return embedding, seconds * episodes.n_episodes / fewer.n_episodes


def _n_tests(config: TrainConfig) -> int:
    every = config.evaluate_every or config.steps
    return -(-config.steps // every) + config.evaluate_first


def _is_few(size: RunSize) -> bool:
    """Return whether the calibration shows classes with so few images that it augments them."""
    return bool(size.n_tested_classes) and size.n_tested // size.n_tested_classes <= FEW_SHOTS + 1


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the fastest of a few calls; the first one also loads code and allocates memory.

    Other programs may slow a single call. Work that takes very long is timed only once.
    """
    seconds: list[float] = []
    while len(seconds) < _MOST_CALLS and sum(seconds) < (_LOADING if len(seconds) == 1 else _LONG):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
