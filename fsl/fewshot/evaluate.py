"""N-way K-shot accuracy on embeddings: every image is embedded once, then episodes are arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.config import FEW_SHOTS, EpisodeConfig, Rule
from fsl.fewshot.episodes import Episodes, sample_episodes
from fsl.fewshot.intervals import Asked, asked_together, sampling_interval
from fsl.fewshot.metrics import ci95
from fsl.fewshot.support_view import seen_from_support
from fsl.twin.inference import PAIRS_AT_ONCE, device_of, pair_logits
from fsl.twin.network import TwinNetwork

# Enough to keep all cores busy, and few enough for their caches.
VALUES_AT_ONCE = 500_000


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """The outcome of a set of episodes.

    Attributes:
        accuracy: mean over episodes, in [0, 1].
        ci95: half the width of the 95% interval of the accuracy with other classes and images of the same
            kind (``fsl.fewshot.intervals``); None for a single episode.
        episode_ci95: the same with other episodes of the same images, which is far narrower; None likewise.
        episode_accuracy: float64 ``(E,)``.
        per_class: float64 ``(C,)``, share of correct answers for each class, NaN if it had no query.
        confusion: int64 ``(C, C)``, true class by answered class.
        asked: what the interval of a difference from another contender needs.
    """

    accuracy: float
    ci95: float | None
    episode_ci95: float | None
    episode_accuracy: Float64Array
    per_class: Float64Array
    confusion: IntArray
    asked: Asked


def evaluate(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    config: EpisodeConfig,
    rule: Rule = "mean",
    as_support: Tensor | None = None,
) -> EvaluationResult:
    """Measure accuracy over seeded episodes.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``, of all images.
        labels: int64 ``(N,)``, 0 to C - 1.
        rule: how shots are combined.
        as_support: as for ``episode_scores``.

    Raises:
        DataError: there are not enough classes with enough images.
    """
    episodes = sample_episodes(labels, config)
    parts = _score_parts(twin, embeddings, episodes, rule, as_support)
    answers = torch.cat([scores.argmax(-1) for scores in parts])
    return summarise(episodes, answers.view(episodes.query.shape).numpy(), n_classes=int(labels.max()) + 1)


def summarise(episodes: Episodes, answers: IntArray, n_classes: int) -> EvaluationResult:
    """Summarise answers: accuracy, confusion matrix and accuracy per class.

    Args:
        episodes: E episodes.
        answers: int64 ``(E, N, Q)``, the way answered for each query.
        n_classes: C.
    """
    n_way = episodes.classes.shape[1]
    right = answers == np.arange(n_way)[None, :, None]
    episode_accuracy = right.mean(axis=(1, 2))
    true = np.broadcast_to(episodes.classes[:, :, None], answers.shape)
    answered = np.take_along_axis(episodes.classes, answers.reshape(len(answers), -1), axis=1)
    confusion = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(confusion, (true.reshape(-1), answered.reshape(-1)), 1)
    counts = confusion.sum(1)
    per_class = np.divide(confusion.diagonal(), counts, out=np.full(n_classes, np.nan), where=counts > 0)
    asked = _asked(episodes, right, confusion)
    is_single = len(answers) < 2
    return EvaluationResult(
        float(episode_accuracy.mean()),
        None if is_single else sampling_interval(asked),
        None if is_single else ci95(episode_accuracy),
        episode_accuracy,
        per_class,
        confusion,
        asked,
    )


def _asked(episodes: Episodes, right: BoolArray, confusion: IntArray) -> Asked:
    rows = episodes.query.reshape(-1)
    times = np.bincount(rows)
    wrong = np.bincount(rows[~right.reshape(-1)], minlength=len(times))
    errors = confusion.copy()
    np.fill_diagonal(errors, 0)
    together = asked_together(episodes, len(confusion))
    n_episodes, n_way = episodes.classes.shape
    images = times.astype(np.int64), wrong.astype(np.int64)
    return Asked(n_episodes, n_way, together, errors, *images)


def episode_scores(
    twin: TwinNetwork, embeddings: Tensor, episodes: Episodes, rule: Rule, as_support: Tensor | None = None
) -> Tensor:
    """Return the class scores of every query of every episode.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``.
        episodes: E episodes of N ways, K shots, Q queries. There may be queries of M > N classes; the last
            M - N classes are then in no support set.
        rule: how shots are combined.
        as_support: float32 ``(N, D)``, embeddings of the same images as support images of classes with few
            images (``fsl.twin.test_time_augmentation``), used in episodes of at most ``FEW_SHOTS`` shots;
            None means ``embeddings``.

    Returns:
        float32 ``(E, M, Q, N)``, higher = more similar.
    """
    scores = torch.cat(list(_score_parts(twin, embeddings, episodes, rule, as_support)))
    return scores.view(*episodes.query.shape, -1)


@torch.inference_mode()
def _score_parts(
    twin: TwinNetwork, embeddings: Tensor, episodes: Episodes, rule: Rule, as_support: Tensor | None
) -> Iterator[Tensor]:
    """Yield ``episode_scores`` of a few episodes at a time, float32 ``(E', M * Q, N)`` on the CPU.

    So memory does not grow with the number of episodes.
    """
    n_way, n_shot = episodes.support.shape[1:]
    if as_support is None or n_shot > FEW_SHOTS:
        as_support = embeddings
    support = torch.from_numpy(episodes.support.reshape(len(episodes.support), -1))
    query = torch.from_numpy(episodes.query.reshape(len(episodes.query), -1))
    if rule == "prototype":
        n_rows = query.shape[1] + (support.shape[1] if twin.config.sees_from_support else n_way)
        for some in _parts(len(query), n_rows * embeddings.shape[1]):
            protos, asked = _prototypes(twin, as_support, embeddings, support[some], query[some], n_shot)
            yield -twin.head.pairwise(asked, protos).cpu()
        return
    for logits in _pair_logits(twin, as_support, embeddings, support, query, n_shot):
        of_class = logits.view(*logits.shape[:2], n_way, n_shot)
        yield (-of_class.mean(-1) if rule == "mean" else -of_class.amin(-1)).cpu()


def _parts(n_episodes: int, values_each: int) -> Iterator[slice]:
    """Return parts of the episodes, given how many numbers one episode takes."""
    at_once = max(1, VALUES_AT_ONCE // values_each)
    return (slice(start, start + at_once) for start in range(0, n_episodes, at_once))


def _prototypes(
    twin: TwinNetwork, as_support: Tensor, embeddings: Tensor, support: Tensor, query: Tensor, n_shot: int
) -> tuple[Tensor, Tensor]:
    """Return mean embeddings ``(E', N, D)`` of classes, and embeddings ``(E', n_query, D)`` of queries."""
    device = device_of(twin)
    if twin.config.sees_from_support:
        rows = as_support[support].to(device), embeddings[query].to(device)
        seen, asked = seen_from_support(twin, *rows, _slots(support, n_shot))
        return seen.view(len(seen), -1, n_shot, seen.shape[2]).mean(2), asked
    # Gathered and averaged in one pass, three times as fast as one after the other.
    means = F.embedding_bag(support.reshape(-1, n_shot), as_support, mode="mean")
    return means.view(len(support), -1, means.shape[1]).to(device), embeddings[query].to(device)


def _slots(support: Tensor, n_shot: int) -> Tensor:
    """Return the class of each support image of an episode; ``support`` is ``(E', n_support)``."""
    return torch.arange(support.shape[1] // n_shot).repeat_interleave(n_shot)


def _pair_logits(
    twin: TwinNetwork, as_support: Tensor, embeddings: Tensor, support: Tensor, query: Tensor, n_shot: int
) -> Iterator[Tensor]:
    """Yield pair logits ``(E', n_query, n_support)``; each distinct pair once if that is cheaper."""
    asked, q = torch.unique(query, return_inverse=True)
    shown, s = torch.unique(support, return_inverse=True)
    n_pairs = query.numel() * support.shape[1]
    if twin.config.sees_from_support or len(asked) * len(shown) > min(n_pairs, 16 * PAIRS_AT_ONCE):
        device = device_of(twin)
        for some in _parts(len(query), (query.shape[1] + support.shape[1]) * embeddings.shape[1]):
            rows = as_support[support[some]].to(device), embeddings[query[some]].to(device)
            seen, sought = seen_from_support(twin, *rows, _slots(support, n_shot))
            yield twin.head.pairwise(sought, seen)
        return
    table = pair_logits(twin, embeddings[asked], as_support[shown])
    for some in _parts(len(query), query.shape[1] * support.shape[1]):
        yield table[q[some, :, None], s[some, None, :]]
