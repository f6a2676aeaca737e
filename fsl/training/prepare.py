"""Prepare a new state for the images that it will train on."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from fsl.data.imageset import ImageSet
from fsl.training.events import Pause
from fsl.training.snapshots import spread_over_classes
from fsl.training.state import TrainState
from fsl.training.validation import embed_with_pauses
from fsl.twin.adapter import Adapter


def drop_features_too_large(state: TrainState, data: ImageSet) -> None:
    """Keep no features if those of all views do not fit in memory; then all layers run in every batch."""
    if state.features is not None and not state.features.fits(len(data)):
        state.features = None


def fit_adapter(state: TrainState, data: ImageSet) -> Generator[Pause, None, bool]:
    """Fit a new adapter to some of the images; before that no batch can change it.

    Does nothing without an adapter, or if it is fitted already.

    Args:
        state: the state, from which ``drop_features_too_large`` has dropped features that do not fit.
        data: its training images.

    Yields:
        a Pause after every few images.

    Returns:
        True.
    """
    adapter = state.twin.adapter
    if not isinstance(adapter, Adapter) or adapter.is_fitted:
        return True
    rows = spread_over_classes(data.labels, adapter.basis.shape[1])
    if state.features is None:
        embeddings = yield from embed_with_pauses(state.twin, data.images[rows])
    else:
        unchanged = np.zeros_like(rows)
        yield from state.features.compute(data, rows, unchanged)
        embeddings = state.features.embed(rows, unchanged)
    adapter.fit(embeddings)
    return True
