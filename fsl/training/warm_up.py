"""Warm up the engine and preload images before the first run.

The first optimiser imports more of torch, which takes a second; the first batch measures whether bf16 helps;
some image sets take seconds to draw or decode.
"""

from __future__ import annotations

import numpy as np

from fsl.config import ModelConfig, TrainConfig
from fsl.data.cached import load_cached
from fsl.data.catalogue import open_source
from fsl.data.imageset import ImageSet
from fsl.data.query import ImageQuery
from fsl.training.batch import train_step
from fsl.training.cores import lower_priority
from fsl.training.state import new_state
from fsl.twin.pairs import ClassIndex


def warm_up_engine() -> None:
    """Train one batch of noise on a tiny network, which also measures whether bf16 helps here.

    At usual priority, because pages wait for the lock that their caller holds.
    """
    size = 16
    noise = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    labels = np.repeat(np.arange(2, dtype=np.int64), 4)
    data = ImageSet(noise, labels, ("a", "b"), ("",) * len(labels))
    config = TrainConfig(pairing="random", batch_pairs=4)
    state = new_state(config, ModelConfig(backbone="plain4", widths=(8, 8, 8, 8), image_size=size))
    train_step(state, data, ClassIndex(labels, data.class_names), config)


def read_ahead(data: str, model: ModelConfig) -> None:
    """Load images into memory before a run asks for them.

    Args:
        data: key of the source, as ``fsl.data.catalogue.open_source`` takes it.
        model: gives size and fit.

    Raises:
        DataError, SettingsError: the images cannot be read; a run would raise the same.
    """
    lower_priority()
    load_cached(open_source(data), ImageQuery(model.image_size, model.fit))
