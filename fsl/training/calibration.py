"""Calibrate a trained network on its run's validation images, and measure its error rates on pairs."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fsl.base.types import IntArray, PixelArray
from fsl.config import FEW_SHOTS, RULES, EpisodeConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.calibrate import calibrate
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.training.events import Pause
from fsl.training.frozen_features import FrozenFeatures
from fsl.training.validation import embed_with_pauses
from fsl.twin.header import Calibration
from fsl.twin.inference import Forward, embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.pair_rates import PairRates
from fsl.twin.test_time_augmentation import embed_as_support

_POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Measurements:
    """The results of calibrating a trained network.

    Attributes:
        calibrations: one per classification rule; empty if there are too few images.
        pairs: error rates on pairs; None if there are too few images.
    """

    calibrations: tuple[Calibration, ...]
    pairs: PairRates | None


def measure_with_pauses(
    twin: TwinNetwork, validation: ImageSet, data: str, familiar: bool, features: FrozenFeatures | None = None
) -> Generator[Pause, None, Measurements]:
    """Measure a trained network, pausing often so that other runs do not have to wait.

    Args:
        twin: the network; it is left in evaluation mode.
        validation: images that it was not trained on.
        data: their name.
        familiar: whether the network learned from these classes, though not from these images.
        features: what its frozen layers make of images; None to run all layers.
    """
    embeddings = yield from embed_with_pauses(twin, validation.images, features)
    twin.eval()
    forward: Forward = embed_images if features is None else lambda _, images: features.embed_tested(images)

    def measure() -> Measurements:
        labels = validation.labels
        return Measurements(
            fit_calibrations(twin, embeddings, labels, data, validation.images, familiar, forward),
            measure_pair_rates(twin, [(embeddings, labels)], data, familiar),
        )

    threads = torch.get_num_threads()  # a new thread starts with torch's default number
    with ThreadPoolExecutor(1, "measure", torch.set_num_threads, (threads,)) as pool:
        measured = pool.submit(measure)
        while not measured.done():
            wait([measured], _POLL_SECONDS)
            yield Pause.WITHIN
        return measured.result()


def fit_calibrations(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    data: str,
    images: PixelArray | None = None,
    familiar: bool = False,
    forward: Forward = embed_images,
) -> tuple[Calibration, ...]:
    """Calibrate every classification rule on one set of held-out images.

    Args:
        embeddings: float32 ``(N, D)`` of images not trained on.
        labels: int64 ``(N,)``.
        data: name of the images.
        images: uint8 ``(N, S, S, 3)``, for networks that average several views of support images; None to
            use the embeddings as they are.
        familiar: whether the network learned from these classes, though not from these images.
        forward: embeds these views.

    Returns:
        one per rule; empty if fewer than three classes have two images.
    """
    # Two classes to choose from and one for "unknown" must have enough images.
    counts = np.sort(np.bincount(labels))[::-1]
    n_images = int(counts[2]) if len(counts) > 2 else 0
    if n_images < 2:
        return ()
    n_query = 2 if n_images >= 4 else 1
    n_shot = min(3, n_images - n_query)
    config = EpisodeConfig(n_way=5, n_shot=n_shot, n_query=n_query, n_episodes=400, seed=1)
    as_support = None
    if images is not None and n_shot <= FEW_SHOTS:
        as_support = embed_as_support(twin, images, embeddings, forward=forward)
    fitted = [calibrate(twin, embeddings, labels, rule, config, data, as_support) for rule in RULES]
    return tuple(replace(one, familiar=familiar) for one in fitted)
