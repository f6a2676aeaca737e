"""How well a fine-tuned network does in use, and whether a linear probe without training does better.

The tests of a run show one image of each class, all of them held out. In use, the images that were learned
from are shown.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from fsl.data.imageset import ImageSet
from fsl.fewshot.classify import class_scores
from fsl.fewshot.linear_probe import fit
from fsl.fewshot.support_view import seen_from_support
from fsl.training.class_ridge import rows_to_fit
from fsl.training.events import Comparison, Pause
from fsl.training.state import TrainState
from fsl.training.validation import PlannedTest, embed_with_pauses
from fsl.twin.adapter import Adapter


def with_probe(
    comparison: Comparison, state: TrainState, data: ImageSet, test: PlannedTest
) -> Generator[Pause, None, Comparison]:
    """Add to a comparison how well the network and the linear probe recognise the tested images in use.

    Yields:
        a Pause after every few images that are embedded; only a run that was resumed after its last batch
        has not embedded them all.

    Returns:
        the comparison, unchanged without an adapter or kept features, or if other classes were tested.
    """
    features, tested = state.features, test.data
    has_adapter = isinstance(state.twin.adapter, Adapter) and state.twin.adapter.is_fitted
    if features is None or not has_adapter or state.tested_at != state.step:
        return comparison
    rows = rows_to_fit(data, features)
    first_views = np.zeros_like(rows)
    names, slots = np.unique(np.array(data.class_names)[data.labels[rows]], return_inverse=True)
    asked = np.array(tested.class_names)[tested.labels]
    if len(names) < 2 or not np.isin(asked, names).all():
        return comparison
    yield from features.compute(data, rows, first_views)
    evaluated = state.evaluated
    if evaluated is None:
        evaluated = yield from embed_with_pauses(state.twin, tested.images, features)
    truth, labels = torch.from_numpy(np.searchsorted(names, asked)), torch.from_numpy(slots)

    def share_right(scores: Tensor) -> float:
        return float((scores.argmax(1) == truth).double().mean())

    with torch.inference_mode():
        shown = features.embed(rows, first_views).cpu()
        support, query = seen_from_support(state.twin, shown, evaluated, labels)
        tuned = share_right(class_scores(state.twin, support, labels, len(names), query, "prototype"))
        unchanged = features.whiten(rows, first_views).cpu(), features.whiten_tested(tested.images)
        support, query = seen_from_support(state.twin, *unchanged, labels)
    return replace(comparison, in_use=tuned, probe=share_right(fit(support, labels).probabilities(query)))
