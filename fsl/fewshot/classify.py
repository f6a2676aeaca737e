"""N-way K-shot classification: compare each query with every support image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from fsl.config import Rule
from fsl.fewshot.cross_validation import parts_to_hide
from fsl.fewshot.embed import embed, embed_support
from fsl.fewshot.pictures import Picture, as_pictures
from fsl.fewshot.prepared import PreparedSupport, prepare_support
from fsl.fewshot.scores import check_threshold, group_scores, probabilities, prototypes
from fsl.fewshot.support import SupportSet
from fsl.fewshot.support_view import seen_from_support
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import pair_logits, ready_logits, usable
from fsl.twin.network import TwinNetwork, similarity

_AT_ONCE = 64  # queries; all at once, the pictures of 10,000 files would fill the memory


@dataclass(frozen=True)
class Prediction:
    """The answer for one query.

    Attributes:
        query: the query's name.
        label: the most probable class, even if ``unknown``.
        probability: of that class among the classes of the support set, in [0, 1].
        unknown: nothing is similar enough: ``max(class_similarity.values()) < threshold``. With a rule, the
            maximum is ``class_similarity[label]``; the linear probe's label may be another class.
        threshold: the similarity below which an answer is "unknown", in [0, 1].
        scores: probability of each class; they sum to 1.
        class_similarity: similarity to each class as a whole, by the rule, in [0, 1].
        similarities: similarity to each support image, in the support set's order, in [0, 1].
    """

    query: str
    label: str
    probability: float
    unknown: bool
    threshold: float
    scores: dict[str, float]
    class_similarity: dict[str, float]
    similarities: tuple[float, ...]


def classify(
    checkpoint: Checkpoint,
    support: SupportSet,
    queries: Iterable[Picture | Path | str],
    rule: Rule | None = None,
    threshold: float | None = None,
) -> list[Prediction]:
    """Classify queries: class, probability and all similarities of each.

    Args:
        support: N classes with one or more images each.
        queries: images, or paths of files, which are read a few at a time.
        rule: "mean" of the similarities to a class, "max" (its most similar image), or "prototype" (its mean
            embedding); None for the checkpoint's default, which did best on held-out classes.
        threshold: of "unknown", in [0, 1]; None for the checkpoint's calibrated one.

    Returns:
        one prediction per query, in order.

    Raises:
        SettingsError: the threshold is out of range, or a query is neither an image nor a path.
        ImageReadError: a file is not a readable image.
    """
    if threshold is not None:
        check_threshold(threshold)
    rule = rule or checkpoint.info.rule
    prepared, pictures = prepare_support(checkpoint, support), as_pictures(queries)
    predictions: list[Prediction] = []
    while images := list(islice(pictures, _AT_ONCE)):
        predictions += _classify(checkpoint, support, prepared, images, rule, threshold)
    return predictions


def _classify(
    checkpoint: Checkpoint,
    support: SupportSet,
    prepared: PreparedSupport,
    images: Sequence[Picture],
    rule: Rule,
    threshold: float | None,
) -> list[Prediction]:
    """Classify a few pictures; arguments as for ``classify``."""
    twin, calibration = checkpoint.twin, checkpoint.info.calibration(rule)
    if threshold is None:
        threshold = calibration.unknown_threshold
    query_embeddings = prepared.seen(embed(checkpoint, images))
    logits = usable(ready_logits(twin, query_embeddings, prepared.images))
    if rule == "prototype":
        scores = -usable(ready_logits(twin, query_embeddings, prepared.prototypes))
    else:
        scores = group_scores(logits, support.slot_tensor, support.n_way, rule)
    probability = probabilities(scores, calibration.temperature)
    pairs, classes = similarity(logits), torch.sigmoid(scores)
    return [
        _prediction(image.name, support, probability[i], classes[i], pairs[i], threshold)
        for i, image in enumerate(images)
    ]


def class_scores(
    twin: TwinNetwork, support: Tensor, slots: Tensor, n_way: int, query: Tensor, rule: Rule
) -> Tensor:
    """Return class scores by any rule.

    Args:
        twin: the network whose head compares.
        support: float ``(n_support, D)``, after ``seen_from_support``.
        slots: int64 ``(n_support,)``, the class of each image; all of 0 to n_way - 1 occur.
        n_way: N.
        query: float ``(n_query, D)``, likewise.
        rule: how shots are combined.

    Returns:
        float ``(n_query, N)``, higher = more similar.
    """
    if rule == "prototype":
        return -usable(pair_logits(twin, query, prototypes(support, slots, n_way)))
    return group_scores(usable(pair_logits(twin, query, support)), slots, n_way, rule)


def _prediction(
    name: str, support: SupportSet, probability: Tensor, classes: Tensor, pairs: Tensor, threshold: float
) -> Prediction:
    best = int(probability.argmax())
    return Prediction(
        query=name,
        label=support.class_names[best],
        probability=float(probability[best]),
        unknown=bool(classes[best] < threshold),
        threshold=threshold,
        scores=dict(zip(support.class_names, probability.tolist(), strict=True)),
        class_similarity=dict(zip(support.class_names, classes.tolist(), strict=True)),
        similarities=tuple(pairs.tolist()),
    )


def with_probabilities(
    predictions: Sequence[Prediction], support: SupportSet, probability: Tensor
) -> list[Prediction]:
    """Replace the class and the probabilities of answers; similarities, and what is unknown, stay.

    Args:
        predictions: one per query.
        probability: float ``(n_query, n_way)``, the new probabilities.
    """
    return [
        replace(
            prediction,
            label=support.class_names[int(row.argmax())],
            probability=float(row.max()),
            scores=dict(zip(support.class_names, row.tolist(), strict=True)),
        )
        for prediction, row in zip(predictions, probability, strict=True)
    ]


@dataclass(frozen=True)
class LeaveOneOut:
    """How well a support set predicts its own images.

    Attributes:
        accuracy: share of images that the others classify correctly, in [0, 1].
        n_images: images tested; the only image of a class cannot be.
        n_right: images classified correctly.
        confused: the two classes most often taken for each other, and how often; None if never.
    """

    accuracy: float
    n_images: int
    n_right: int
    confused: tuple[str, str, int] | None


def leave_one_out(
    checkpoint: Checkpoint, support: SupportSet, rule: Rule | None = None
) -> LeaveOneOut | None:
    """Classify each support image by others; ``parts_to_hide`` says by which.

    Args:
        support: N classes; those with a single image are possible answers, but are not tested.
        rule: how shots are combined; None for the checkpoint's default.

    Returns:
        the outcome, or None if no class has two images.
    """
    rule = rule or checkpoint.info.rule
    slots = support.slot_tensor
    counts = torch.bincount(slots, minlength=support.n_way)
    tested = torch.nonzero(counts[slots] > 1).flatten()
    if len(tested) == 0:
        return None
    answers = torch.tensor(leave_one_out_answers(checkpoint, support, rule))[tested]
    true = slots[tested]
    n_right = int((answers == true).sum())
    return LeaveOneOut(n_right / len(tested), len(tested), n_right, _most_confused(true, answers, support))


def leave_one_out_answers(checkpoint: Checkpoint, support: SupportSet, rule: Rule) -> list[int]:
    """Return the class that the others give each support image, hidden as ``parts_to_hide`` says.

    Returns:
        one slot per image; -1 for the only image of a class, which is never hidden.
    """
    embeddings, slots = embed(checkpoint, support.images), support.slot_tensor
    as_support = embed_support(checkpoint, support)
    answers = torch.full_like(slots, -1)
    for hidden in parts_to_hide(slots):
        others = ~torch.isin(torch.arange(len(slots)), hidden)
        shown = slots[others]
        seen, query = seen_from_support(checkpoint.twin, as_support[others], embeddings[hidden], shown)
        scores = class_scores(checkpoint.twin, seen, shown, support.n_way, query, rule)
        answers[hidden] = scores.argmax(1)
    return answers.tolist()


def _most_confused(true: Tensor, answers: Tensor, support: SupportSet) -> tuple[str, str, int] | None:
    n = support.n_way
    confusion = torch.bincount(true * n + answers, minlength=n * n).view(n, n)
    both_ways = (confusion + confusion.T).triu(1)
    if int(both_ways.max()) == 0:
        return None
    first, second = divmod(int(both_ways.argmax()), n)
    return support.class_names[first], support.class_names[second], int(both_ways.max())
