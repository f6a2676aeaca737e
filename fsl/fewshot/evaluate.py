"""N-way K-shot accuracy on cached embeddings: every image is embedded once, episodes are arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fsl.config import EpisodeConfig, Rule
from fsl.fewshot.episodes import Episodes, sample_episodes
from fsl.fewshot.scores import seen_from_support
from fsl.twin.inference import PAIRS_AT_ONCE, device_of, pair_logits
from fsl.twin.network import TwinNetwork

VALUES_AT_ONCE = 500_000
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """Outcome of a set of episodes.

    Attributes:
        accuracy: mean over episodes, in [0, 1].
        ci95: half the width of its 95% interval.
        episode_accuracy: float64 ``(E,)``.
        per_class: float64 ``(C,)``, share of right answers of each class, nan where it was never asked.
        confusion: int64 ``(C, C)``, true class by answered class.
    """

    accuracy: float
    ci95: float
    episode_accuracy: FloatArray
    per_class: FloatArray
    confusion: IntArray


def ci95(values: FloatArray) -> float:
    """Half the width of the 95% interval of a mean: 1.96 standard errors; 0 for a single value.

    Args:
        values: float ``(n,)``, independent.
    """
    return 1.96 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def evaluate(
    twin: TwinNetwork, embeddings: Tensor, labels: IntArray, config: EpisodeConfig, rule: Rule = "mean"
) -> EvaluationResult:
    """Accuracy over seeded episodes.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``, of all images.
        labels: int64 ``(N,)``, 0 to C - 1.
        config: the episodes.
        rule: how shots are combined.

    Raises:
        DataError: there are not enough classes with enough images.
    """
    episodes = sample_episodes(labels, config)
    answers = episode_scores(twin, embeddings, episodes, rule).argmax(-1).numpy()  # (E, N, Q)
    return summarise(episodes, answers, n_classes=int(labels.max()) + 1)


def summarise(episodes: Episodes, answers: IntArray, n_classes: int) -> EvaluationResult:
    """Count right and wrong answers.

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
    asked = confusion.sum(1)
    per_class = np.divide(confusion.diagonal(), asked, out=np.full(n_classes, np.nan), where=asked > 0)
    return EvaluationResult(
        float(episode_accuracy.mean()), ci95(episode_accuracy), episode_accuracy, per_class, confusion
    )


def episode_scores(twin: TwinNetwork, embeddings: Tensor, episodes: Episodes, rule: Rule) -> Tensor:
    """Class scores of every query of every episode.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``.
        episodes: E episodes of N ways, K shots, Q queries; there may be queries of M > N classes, the last
            ones of which are in no support set.
        rule: how shots are combined.

    Returns:
        float32 ``(E, M, Q, N)``, higher = more alike.
    """
    n_episodes, n_asked, n_query = episodes.query.shape
    n_way, n_shot = episodes.support.shape[1:]
    support = torch.from_numpy(episodes.support.reshape(n_episodes, -1))
    query = torch.from_numpy(episodes.query.reshape(n_episodes, -1))
    if rule == "prototype":
        scores = -_logits_by_episode(twin, embeddings, query, support, n_shot)
    else:
        logits = _pair_logits(twin, embeddings, query, support)
        logits = logits.view(n_episodes, n_asked * n_query, n_way, n_shot)
        scores = -logits.mean(-1) if rule == "mean" else -logits.amin(-1)
    return scores.view(n_episodes, n_asked, n_query, n_way)


def _pair_logits(twin: TwinNetwork, embeddings: Tensor, query: Tensor, support: Tensor) -> Tensor:
    """Pair logits ``(E, n_query, n_support)``; each distinct pair is computed once where that is cheaper."""
    used, position = torch.unique(torch.cat([query.flatten(), support.flatten()]), return_inverse=True)
    n_pairs = query.numel() * support.shape[1]
    if twin.config.centre_on_support or len(used) ** 2 > min(n_pairs, 16 * PAIRS_AT_ONCE):
        return _logits_by_episode(twin, embeddings, query, support)
    table = pair_logits(twin, embeddings[used], embeddings[used])
    q = position[: query.numel()].view_as(query)
    s = position[query.numel() :].view_as(support)
    return table[q[:, :, None], s[:, None, :]]


@torch.inference_mode()
def _logits_by_episode(
    twin: TwinNetwork, embeddings: Tensor, query: Tensor, support: Tensor, n_averaged: int = 1
) -> Tensor:
    """A few episodes at a time: enough to keep all cores busy, and few enough for their caches.

    Args:
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)``.
        query: int64 ``(E, n_query)``, rows.
        support: int64 ``(E, n_support)``, rows.
        n_averaged: this many support embeddings after one another are averaged.

    Returns:
        float32 ``(E, n_query, n_support / n_averaged)``.
    """
    device = device_of(twin)
    n_rows = query.shape[1] + support.shape[1]
    at_once = max(1, VALUES_AT_ONCE // (n_rows * embeddings.shape[1]))
    logits = []
    for start in range(0, len(query), at_once):
        some = slice(start, start + at_once)
        s, q = (embeddings[rows[some]].to(device) for rows in (support, query))  # (E', n, D)
        s, q = seen_from_support(twin, s, q)
        if n_averaged > 1:
            s = s.view(len(s), -1, n_averaged, s.shape[2]).mean(2)
        logits.append(twin.head.pairwise(q, s).cpu())
    return torch.cat(logits)
