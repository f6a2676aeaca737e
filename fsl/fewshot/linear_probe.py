"""The linear probe: a logistic regression fitted to the embeddings of a support set.

With five or more images per class it can weigh dimensions, which the twin's rules cannot. Cross-validation on
the support set itself tells whether it does better.

The fit penalises the squared length of the weights, so they lie in the span of the support embeddings. It is
computed there, with as many dimensions as images, which gives the same result in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from fsl.base.errors import DataError
from fsl.config import METHODS, RULES, Method, Rule
from fsl.fewshot.classify import Prediction, class_scores, classify, with_probabilities
from fsl.fewshot.cross_validation import parts_to_hide
from fsl.fewshot.embed import embed, embed_support
from fsl.fewshot.pictures import Picture, as_pictures
from fsl.fewshot.prepared import prepare_support
from fsl.fewshot.support import SupportSet
from fsl.fewshot.support_view import seen_from_support, view_of
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.network import TwinNetwork

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

FEWEST_SHOTS = 5
# Inverse strength of the regularisation, for embeddings of unit length.
_C = 10.0


@dataclass(frozen=True)
class MethodComparison:
    """The linear probe and the twin's rules, each tested on images it was not given.

    Attributes:
        right: number of images that each method classified correctly, on the same folds.
        n_images: number of images.
        n_folds: number of parts hidden in turn; equal to ``n_images`` for leave-one-out.
        best_rule: the twin's rule with the most correct answers.
        best: the method with the most correct answers; on a tie, the twin's rule.
    """

    right: dict[Method, int]
    n_images: int
    n_folds: int
    best_rule: Rule
    best: Method

    @property
    def advantage(self) -> float:
        """Return the accuracy of the probe minus that of the best rule, -1 to 1."""
        return (self.right["quick"] - self.right[self.best_rule]) / self.n_images

    @property
    def is_clear(self) -> bool:
        """Return whether this difference is more than chance.

        The limit is twice the largest standard error of McNemar's test: the two share no error.
        """
        right, other = self.right["quick"], self.right[self.best_rule]
        return (right - other) ** 2 > 4 * (2 * self.n_images - right - other)


def fewest_shots(support: SupportSet) -> int:
    """Return the number of images of the smallest class."""
    return int(torch.bincount(support.slot_tensor).min())


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A regression fitted to the embeddings of a support set.

    Attributes:
        model: scikit-learn's.
        span: float ``(D, n_support)``, a basis of the space of the fit; None for the whole space.
    """

    model: LogisticRegression
    span: Tensor | None

    def probabilities(self, query: Tensor) -> Tensor:
        """Return class probabilities, float32 ``(n_query, n_way)``, for embeddings ``(n_query, D)``."""
        asked = normalize(query, dim=1)
        if self.span is not None:
            asked = asked @ self.span
        return torch.from_numpy(self.model.predict_proba(asked.numpy()).astype(np.float32))


def fit(support: Tensor, slots: Tensor) -> LinearProbe:
    """Fit on embeddings of support images.

    Args:
        support: float ``(n_support, D)``.
        slots: int64 ``(n_support,)``, the class of each image, numbered from 0.
    """
    from sklearn.linear_model import LogisticRegression

    # With unit length, one strength of regularisation suits the embeddings of any network.
    seen = normalize(support, dim=1)
    span = None
    if seen.shape[0] < seen.shape[1]:
        span = torch.linalg.qr(seen.T).Q
        seen = seen @ span
    model = LogisticRegression(C=_C, max_iter=500, class_weight="balanced").fit(seen.numpy(), slots.numpy())
    return LinearProbe(model, span)


def fit_to_support(checkpoint: Checkpoint, support: SupportSet) -> LinearProbe:
    """Fit on a support set.

    Raises:
        DataError: a class has fewer than ``FEWEST_SHOTS`` images.
    """
    _refuse_few_shots(support)
    embeddings = embed_support(checkpoint, support)
    view = view_of(checkpoint.twin, embeddings, support.slot_tensor)
    return fit(view(embeddings), support.slot_tensor)


def compare_methods(checkpoint: Checkpoint, support: SupportSet) -> MethodComparison:
    """Cross-validate the linear probe against the twin's rules on a support set.

    ``parts_to_hide`` says which images are tested together.

    Args:
        support: at least ``FEWEST_SHOTS`` images of each class.

    Raises:
        DataError: a class has fewer images.
    """
    _refuse_few_shots(support)
    return compare_on_embeddings(
        checkpoint.twin, embed_support(checkpoint, support), support.slot_tensor, support.n_way
    )


def compare_on_embeddings(
    twin: TwinNetwork, embeddings: Tensor, slots: Tensor, n_way: int
) -> MethodComparison:
    """Compare methods on embeddings ``(n, D)`` with classes ``slots`` ``(n,)``."""
    right: dict[Method, int] = dict.fromkeys(METHODS, 0)
    parts = parts_to_hide(slots)
    for asked in parts:
        kept = ~torch.isin(torch.arange(len(slots)), asked)
        support, query = seen_from_support(twin, embeddings[kept], embeddings[asked], slots[kept])
        for method in right:
            if method == "quick":
                scores = fit(support, slots[kept]).probabilities(query)
            else:
                scores = class_scores(twin, support, slots[kept], n_way, query, method)
            right[method] += int((scores.argmax(1) == slots[asked]).sum())
    best_rule = max(RULES, key=lambda rule: right[rule])
    best: Method = "quick" if right["quick"] > right[best_rule] else best_rule
    return MethodComparison(right, len(slots), len(parts), best_rule, best)


def classify_with_probe(
    checkpoint: Checkpoint,
    support: SupportSet,
    queries: Sequence[Picture | Path | str],
    threshold: float | None = None,
    fitted: LinearProbe | None = None,
) -> list[Prediction]:
    """Classify like ``classify``, with the linear probe's labels and probabilities.

    Similarities, and whether a query is unknown, are the twin's: a regression is always sure.

    Args:
        support: at least ``FEWEST_SHOTS`` images of each class.
        queries: images, or paths of files.
        threshold: of "unknown", in [0, 1]; None for the checkpoint's calibrated one.
        fitted: a probe from ``fit_to_support``, to classify several times; None to fit one now.

    Raises:
        SettingsError: the threshold is out of range.
        DataError: a class has fewer images.
        ImageReadError: a file is not a readable image.
    """
    fitted = fitted or fit_to_support(checkpoint, support)
    images = list(as_pictures(queries))
    predictions = classify(checkpoint, support, images, threshold=threshold)
    query = prepare_support(checkpoint, support).seen(embed(checkpoint, images))
    return with_probabilities(predictions, support, fitted.probabilities(query))


def _refuse_few_shots(support: SupportSet) -> None:
    if fewest_shots(support) < FEWEST_SHOTS:
        raise DataError(
            f"The quick classifier needs {FEWEST_SHOTS} images of every class; one has "
            f"{fewest_shots(support)}. Add images, or choose another rule."
        )
