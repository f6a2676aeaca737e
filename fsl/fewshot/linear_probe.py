"""The quick classifier: a logistic regression fitted to the embeddings of a support set.

With five or more images per class it can weigh what the twin's rules cannot. Whether it does better is not a
matter of belief: it is cross-validated against them on the support set itself.

The fit penalises the squared length of the weights, so these lie in the span of the support embeddings: it is
made there, in as many dimensions as there are images, with the same outcome in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from fsl.base.errors import DataError
from fsl.config import METHODS, RULES, Method, Rule
from fsl.fewshot.classify import Prediction, class_scores, classify
from fsl.fewshot.embed import embed, embed_support
from fsl.fewshot.pictures import NamedImage, Picture
from fsl.fewshot.scores import seen_from_support
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.network import TwinNetwork

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

FEWEST_SHOTS = 5
# Inverse strength of the regularisation, for embeddings scaled to unit length.
_C = 10.0
# Beyond so many images, folds of a fifth: their figures are steady enough, and a fit for each image is slow.
_LEAVE_ONE_OUT_UP_TO = 60


@dataclass(frozen=True)
class MethodComparison:
    """The quick classifier and the twin's rules, each tested on images it was not given.

    Attributes:
        right: images each method answered rightly; of the same folds.
        n_images: images tested, which is all of them.
        n_folds: parts hidden in turn; as many as images where each was hidden by itself.
        best_rule: the twin's rule with the most right answers.
        best: the method with the most; the twin's rule on a tie.
    """

    right: dict[Method, int]
    n_images: int
    n_folds: int
    best_rule: Rule
    best: Method

    @property
    def advantage(self) -> float:
        """Accuracy of the quick classifier less that of the best rule, -1 to 1."""
        return (self.right["quick"] - self.right[self.best_rule]) / self.n_images

    @property
    def is_clear(self) -> bool:
        """Whether the difference between these two is more than chance would often make it.

        Twice the standard error of McNemar's test at its largest: no error of the one is shared by the other.
        """
        right, other = self.right["quick"], self.right[self.best_rule]
        return (right - other) ** 2 > 4 * (2 * self.n_images - right - other)


def fewest_shots(support: SupportSet) -> int:
    """Images of the smallest class."""
    return int(torch.bincount(support.slot_tensor).min())


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """A regression fitted to the embeddings of a support set.

    Attributes:
        model: scikit-learn's.
        span: float ``(D, n_support)``, a basis of what the fit was made in; none where that is all there is.
    """

    model: LogisticRegression
    span: Tensor | None

    def probabilities(self, query: Tensor) -> Tensor:
        """Embeddings ``(n_query, D)`` to float32 ``(n_query, n_way)``, rows summing to 1."""
        asked = normalize(query, dim=1)
        if self.span is not None:
            asked = asked @ self.span
        return torch.from_numpy(self.model.predict_proba(asked.numpy()).astype(np.float32))


def fit(support: Tensor, slots: Tensor) -> LinearProbe:
    """Fit on embeddings of support images.

    Args:
        support: float ``(n_support, D)``.
        slots: int64 ``(n_support,)``, every class from 0 on present.
    """
    from sklearn.linear_model import LogisticRegression

    # Of unit length, so that one strength of regularisation fits the embeddings of any network.
    seen = normalize(support, dim=1)
    span = None
    if seen.shape[0] < seen.shape[1]:
        span = torch.linalg.qr(seen.T).Q
        seen = seen @ span
    model = LogisticRegression(C=_C, max_iter=500, class_weight="balanced").fit(seen.numpy(), slots.numpy())
    return LinearProbe(model, span)


def fit_to_support(checkpoint: Checkpoint, support: SupportSet) -> LinearProbe:
    """Fit on a support set as the network sees it.

    Raises:
        DataError: a class has fewer than ``FEWEST_SHOTS`` images.
    """
    _refuse_few_shots(support)
    embeddings = embed_support(checkpoint, support)
    return fit(seen_from_support(checkpoint.twin, embeddings, embeddings)[0], support.slot_tensor)


def compare_methods(checkpoint: Checkpoint, support: SupportSet, seed: int = 0) -> MethodComparison:
    """Cross-validate the quick classifier against the twin's rules on a support set.

    Each image is hidden in turn and asked of a fit to the others; of large sets, a fifth at a time.

    Args:
        checkpoint: the twin network.
        support: at least ``FEWEST_SHOTS`` images of each class.
        seed: of the folds, where there are any.

    Raises:
        DataError: a class has fewer images.
    """
    _refuse_few_shots(support)
    return compare_on_embeddings(
        checkpoint.twin, embed_support(checkpoint, support), support.slot_tensor, support.n_way, seed
    )


def compare_on_embeddings(
    twin: TwinNetwork, embeddings: Tensor, slots: Tensor, n_way: int, seed: int = 0
) -> MethodComparison:
    """As ``compare_methods``, on embeddings ``(n, D)`` of classes ``slots`` ``(n,)``."""
    from sklearn.model_selection import LeaveOneOut, StratifiedKFold

    right: dict[Method, int] = dict.fromkeys(METHODS, 0)
    if len(slots) <= _LEAVE_ONE_OUT_UP_TO:
        folds = LeaveOneOut()
    else:
        folds = StratifiedKFold(FEWEST_SHOTS, shuffle=True, random_state=seed)
    parts = list(folds.split(np.zeros(len(slots)), slots.numpy()))
    for train_rows, test_rows in parts:
        kept, asked = torch.from_numpy(train_rows), torch.from_numpy(test_rows)
        support, query = seen_from_support(twin, embeddings[kept], embeddings[asked])
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
    """As ``classify``, label and probabilities being the quick classifier's.

    Similarities, and whether a query is unknown, stay the twin's: a regression is sure of everything.

    Args:
        checkpoint: the twin network.
        support: at least ``FEWEST_SHOTS`` images of each class.
        queries: images, or paths of files.
        threshold: of "unknown", in [0, 1]; none = the checkpoint's calibrated one.
        fitted: of ``fit_to_support``, by those who ask again and again; none = fit now.

    Raises:
        SettingsError: the threshold is out of range.
        DataError: a class has fewer images.
        ImageReadError: a path is no readable image.
    """
    fitted = fitted or fit_to_support(checkpoint, support)
    images = [NamedImage.from_path(q) if isinstance(q, Path | str) else q for q in queries]
    predictions = classify(checkpoint, support, images, threshold=threshold)
    _, query = seen_from_support(
        checkpoint.twin, embed_support(checkpoint, support), embed(checkpoint, images)
    )
    probability = fitted.probabilities(query)
    return [
        _replaced(prediction, support, row) for prediction, row in zip(predictions, probability, strict=True)
    ]


def _replaced(prediction: Prediction, support: SupportSet, probability: Tensor) -> Prediction:
    label = support.class_names[int(probability.argmax())]
    return replace(
        prediction,
        label=label,
        probability=float(probability.max()),
        scores=dict(zip(support.class_names, probability.tolist(), strict=True)),
    )


def _refuse_few_shots(support: SupportSet) -> None:
    if fewest_shots(support) < FEWEST_SHOTS:
        raise DataError(
            f"The quick classifier needs {FEWEST_SHOTS} images of every class; one has "
            f"{fewest_shots(support)}. Add images, or choose another rule."
        )
