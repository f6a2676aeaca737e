"""The N-way K-shot tests that a run makes on its validation images while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.types import Float64Array, IntArray, PixelArray
from fsl.config import EpisodeConfig, TrainConfig
from fsl.data.imageset import ImageSet, evenly
from fsl.fewshot.episodes import fit_ways, sample_episodes
from fsl.fewshot.evaluate import episode_scores, summarise
from fsl.fewshot.metrics import ci95
from fsl.training.events import Comparison, Evaluation, Pause
from fsl.training.frozen_features import FrozenFeatures
from fsl.training.gain import chance_of, picture_accuracy
from fsl.training.state import TrainState
from fsl.twin.inference import LARGE, embed_images, pair_logits
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import all_pairs
from fsl.twin.trainable import training_mode

CLASSES_FOR_UNKNOWN = 3  # two to choose from, and one that is not among them
MAX_EVALUATION_IMAGES_PER_CLASS = 20
MAX_LOSS_IMAGES = 400
_LOSS_IMAGES_PER_CLASS = 4  # of as many classes as then fit; more of each if there are fewer classes
T = TypeVar("T")
# Images embedded between two pauses, in a fraction of a second; multiples of the batches of ``embed_images``.
_IMAGES_PER_PAUSE, _LARGE_IMAGES_PER_PAUSE = 64, 4


@dataclass(frozen=True, eq=False)
class PlannedTest:
    """A test that a run repeats.

    Attributes:
        data: the images.
        config: the episodes.
    """

    data: ImageSet
    config: EpisodeConfig


@dataclass(frozen=True, eq=False)
class TestResult:
    """The result of one test.

    Attributes:
        event: the event to report.
        episode_accuracy: float64 ``(E,)``.
        picture_accuracy: float64 ``(n,)``, of each image as a query; NaN if it was never asked about.
    """

    event: Evaluation
    episode_accuracy: Float64Array
    picture_accuracy: Float64Array


def evaluation_images(validation: ImageSet) -> ImageSet:
    """Return the images that a run is tested on: the first few of each class."""
    rows = np.concatenate(
        [
            np.flatnonzero(validation.labels == label)[:MAX_EVALUATION_IMAGES_PER_CLASS]
            for label in np.unique(validation.labels)
        ]
    )
    return validation.rows(rows)


def plan_test(config: TrainConfig, validation: ImageSet | None) -> tuple[PlannedTest | None, str]:
    """Plan the test of a run.

    Returns:
        the test, or None if there can be none; and a note for people, "" if there is nothing to say.
    """
    if validation is None:
        return None, "nothing is held out, so no N-way K-shot test, and no limit for “unknown”."
    tested = evaluation_images(validation)
    try:
        episodes, note = fit_ways(config.evaluation, tested.labels)
    except DataError as error:  # a run can train without a test
        return None, f"no N-way K-shot test: {error}"
    if validation.n_classes < CLASSES_FOR_UNKNOWN:
        note += f" No limit for “unknown”: it takes {CLASSES_FOR_UNKNOWN} classes to test on."
    return PlannedTest(tested, episodes), note.strip()


def run_test(
    state: TrainState, test: PlannedTest, should_stop: Callable[[], bool]
) -> Generator[Pause, None, TestResult | None]:
    """Test the network, yielding a Pause after every few images.

    Returns:
        the result, or None if the run is to stop.
    """
    embedding = embed_with_pauses(state.twin, test.data.images, state.features)
    embeddings = yield from timed(state, embedding, should_stop)
    if embeddings is None:
        return None
    began = time.perf_counter()
    labels = test.data.labels
    with _evaluation_mode(state.twin):
        episodes = sample_episodes(labels, test.config)
        ways = episode_scores(state.twin, embeddings, episodes, "mean").argmax(-1).numpy()
        loss = _validation_loss(state.twin, embeddings, labels)
    result = summarise(episodes, ways, int(labels.max()) + 1)
    right = ways == np.arange(ways.shape[1])[None, :, None]
    state.seconds += time.perf_counter() - began
    state.evaluated = embeddings
    n_way, n_shot, n_episodes = test.config.n_way, test.config.n_shot, test.config.n_episodes
    half = result.episode_ci95 or 0.0  # of the same pictures at every test, so that tests can be compared
    event = Evaluation(state.step, result.accuracy, half, n_way, n_shot, n_episodes, loss)
    return TestResult(event, result.episode_accuracy, picture_accuracy(episodes, right, len(labels)))


def timed(
    state: TrainState, work: Generator[Pause, None, T], should_stop: Callable[[], bool]
) -> Generator[Pause, None, T | None]:
    """Do work that pauses, and count its time; return its result, or None if the run is to stop."""
    while True:
        began = time.perf_counter()
        try:
            pause = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            state.seconds += time.perf_counter() - began
        yield pause
        if should_stop():
            return None


def embed_with_pauses(
    twin: TwinNetwork, images: PixelArray, features: FrozenFeatures | None = None
) -> Generator[Pause, None, Tensor]:
    """Embed images with a network that is being trained, yielding a Pause after every few images.

    Args:
        twin: the network; at each Pause it is in training mode again.
        images: uint8 ``(N, S, S, 3)``, N at least 1.
        features: what its frozen layers make of images; None to run all layers.

    Returns:
        float32 ``(N, D)`` on the CPU.
    """
    at_once = _LARGE_IMAGES_PER_PAUSE if twin.config.image_size >= LARGE else _IMAGES_PER_PAUSE
    parts = []
    for first in range(0, len(images), at_once):
        parts.append(embed_evaluated(twin, images[first : first + at_once], features))
        yield Pause.TESTING
    return torch.cat(parts)


def embed_evaluated(twin: TwinNetwork, images: PixelArray, features: FrozenFeatures | None) -> Tensor:
    """Embed images in evaluation mode and return to training mode; arguments as ``embed_with_pauses``."""
    with _evaluation_mode(twin):
        return embed_images(twin, images) if features is None else features.embed_tested(images)


def compare_with_start(state: TrainState) -> Comparison | None:
    """Return the comparison with the test before the first batch, or None if one of the tests is missing."""
    if not len(state.before) or not len(state.latest):
        return None
    before, after = state.before.numpy(), state.latest.numpy()
    gain = after - before
    chance = None
    if len(state.pictures_before) and len(state.pictures_latest):
        chance = chance_of(state.pictures_before.numpy(), state.pictures_latest.numpy())
    return Comparison(
        state.tested_at,
        float(before.mean()),
        ci95(before),
        float(after.mean()),
        ci95(after),
        float(gain.mean()),
        ci95(gain),
        len(gain),
        len(state.pictures_before),
        chance,
    )


@contextmanager
def _evaluation_mode(twin: TwinNetwork) -> Iterator[None]:
    """Put the network in evaluation mode, then back in training mode."""
    twin.eval()
    try:
        yield
    finally:
        training_mode(twin)


def _validation_loss(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> float:
    """Return the cross-entropy over all pairs of the images of ``rows_for_loss``."""
    rows = torch.from_numpy(rows_for_loss(labels))
    chosen = embeddings[rows]
    first, second, difference = all_pairs(torch.from_numpy(labels)[rows])
    return float(bce_loss(pair_logits(twin, chosen, chosen)[first, second], difference))


def rows_for_loss(labels: IntArray) -> IntArray:
    """Return the rows of the images whose pairs make up the validation loss.

    All images, if there are at most ``MAX_LOSS_IMAGES``. Of more, a few images of each of some classes, so
    that there are pairs of both kinds.

    Args:
        labels: int64 ``(n,)``; at least two classes have two images, or there is no test.

    Returns:
        int64, ascending, at most ``MAX_LOSS_IMAGES``.
    """
    if len(labels) <= MAX_LOSS_IMAGES:
        return np.arange(len(labels))
    names, counts = np.unique(labels, return_counts=True)
    names = names[counts > 1]
    names = names[evenly([0] * len(names), MAX_LOSS_IMAGES // _LOSS_IMAGES_PER_CLASS)]
    rows = np.flatnonzero(np.isin(labels, names))
    return rows[evenly(labels[rows].tolist(), MAX_LOSS_IMAGES // len(names))]
