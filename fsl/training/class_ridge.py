"""The last step of fine-tuning an adapter: a ridge regression from images to classes, in closed form.

A hundred batches only begin to fit the adapter to a handful of images. The regression is the end of that
road: the class scores that fit all views of all images best, with small weights. The scores are added to the
embedding in directions of their own, so that the cosine of two embeddings also says whether their class
scores agree. This stays a twin network: both images take the same path, and classes that it was not fitted to
can still be compared.

The images themselves decide how large the weights may be. One image of each class is left out in turn, with
all its views, and compared with the others. If no scores make the right classes more likely, the adapter
stays as it was trained.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import IntArray
from fsl.data.imageset import ImageSet
from fsl.fewshot.classify import class_scores
from fsl.fewshot.cross_validation import place_in_class
from fsl.fewshot.support_view import seen_from_support
from fsl.training.events import Pause
from fsl.training.frozen_features import FrozenFeatures
from fsl.training.snapshots import spread_over_classes
from fsl.training.state import TrainState
from fsl.twin.adapter import Adapter
from fsl.twin.network import TwinNetwork

# Chosen on other classes and pictures than those that ``bench/finetune.py`` tests on.
_PENALTIES = (1.0, 0.5, 0.2)  # of the squared weights, for each view
_TEMPERATURE = 2.0  # of the similarities, when the images left out choose the penalty
_STRENGTH = 3.0  # factor of the class scores, whose targets are 0 and 1
_MOST_ROWS = 1024  # views of images; solving for more takes seconds
_MOST_FOLDS = 10


def fit_class_scores(state: TrainState, data: ImageSet) -> Generator[Pause, None, bool]:
    """Replace what the adapter has learned by class scores, if these classify the images better.

    Does nothing without an adapter or kept features, or if the classes are more than the adapter can tell.

    Args:
        state: the run, whose batches are done.
        data: its training images.

    Yields:
        a Pause after every few images or sums.

    Returns:
        True.
    """
    adapter, features = state.twin.adapter, state.features
    if features is None or not isinstance(adapter, Adapter) or not adapter.change.requires_grad:
        return True
    rows = rows_to_fit(data, features)
    names, slots = np.unique(data.labels[rows], return_inverse=True)
    if len(names) > min(adapter.basis.shape) or len(names) == len(rows):
        return True
    views = []
    for number in range(features.views_each):
        view = np.full_like(rows, number)
        yield from features.compute(data, rows, view)
        views.append(features.whiten(rows, view))
    whitened = torch.stack(views).cpu()
    penalty = yield from _choose_penalty(state.twin, whitened, slots)
    if penalty is not None:
        weights = _fit(whitened, torch.from_numpy(slots), penalty, _products(whitened))
        adapter.add_scores(weights.to(adapter.basis), _STRENGTH)
    return True


def rows_to_fit(data: ImageSet, features: FrozenFeatures) -> IntArray:
    """Return the rows of the training images that the regression is fitted to, as many from each class."""
    return spread_over_classes(data.labels, _MOST_ROWS // features.views_each)


def _choose_penalty(
    twin: TwinNetwork, views: Tensor, slots: IntArray
) -> Generator[Pause, None, float | None]:
    """Return the best penalty, or None if no scores are better; views and slots as for ``_fit``.

    The best gives the images that were left out the highest likelihood of their classes: right answers alone
    would decide by one or two images.
    """
    likelihood: dict[float | None, float] = dict.fromkeys((None, *_PENALTIES), 0.0)
    labels, products = torch.from_numpy(slots), _products(views)
    n_way = int(labels.max()) + 1
    for left_out in _folds(slots):
        kept, asked = torch.from_numpy(~left_out), torch.from_numpy(left_out)
        rows = kept.repeat(len(views)).nonzero().flatten()
        among_kept = products[rows][:, rows]
        for penalty in likelihood:
            changed = Adapter(views.shape[2], n_way)
            if penalty is not None:
                changed.add_scores(_fit(views[:, kept], labels[kept], penalty, among_kept), _STRENGTH)
            with torch.inference_mode():
                support, query = seen_from_support(
                    twin, changed(views[0, kept]), changed(views[0, asked]), labels[kept]
                )
                scores = class_scores(twin, support, labels[kept], n_way, query, "prototype")
            likelihood[penalty] -= float(
                F.cross_entropy(scores / _TEMPERATURE, labels[asked], reduction="sum")
            )
            yield Pause.WITHIN
    return max(likelihood, key=lambda penalty: likelihood[penalty])


def _folds(slots: IntArray) -> list[np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return which images each fold leaves out: one of each class, if there are few; never the only one."""
    position, alone = place_in_class(torch.from_numpy(slots)).numpy(), np.bincount(slots)[slots] == 1
    n_folds = min(_MOST_FOLDS, int(position.max()) + 1)
    return [(position % n_folds == fold) & ~alone for fold in range(n_folds)]


def _products(views: Tensor) -> Tensor:
    """Return the inner products of all views, float64 ``(V * n, V * n)``; views as for ``_fit``."""
    seen = views.flatten(0, 1).double()
    return seen @ seen.T


def _fit(views: Tensor, slots: Tensor, penalty: float, products: Tensor) -> Tensor:
    """Return the weights of the ridge regression from embeddings to classes.

    Args:
        views: whitened embeddings of the views of images, float32 ``(V, n, D)``.
        slots: int64 ``(n,)``, the class of each image.
        penalty: weight of the squared weights, for each view.
        products: of the views; there are fewer of them than dimensions, so the sums are done among views.

    Returns:
        float32 ``(D, C)``, C the largest slot plus 1.
    """
    n_views = len(views)
    targets = F.one_hot(slots).double().repeat(n_views, 1)
    damped = products + penalty * n_views * torch.eye(len(products), dtype=torch.float64)
    weights: Tensor = views.flatten(0, 1).double().T @ torch.linalg.solve(damped, targets - targets.mean(0))
    return weights.float()
