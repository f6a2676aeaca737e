"""Let several contenders answer the same episodes, and report after every few of them.

``stream_answers`` yields partial results, so that a page can show a running mean and stop early.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError
from fsl.base.text import count
from fsl.base.types import BoolArray, Float64Array, IntArray
from fsl.config import EpisodeConfig, Rule
from fsl.fewshot.episodes import Episodes, fit_ways, sample_episodes
from fsl.fewshot.evaluate import EvaluationResult, episode_scores, summarise
from fsl.fewshot.scores import probabilities
from fsl.twin.network import TwinNetwork

N_PARTS = 40
# The most scores held in memory at a time.
_SCORES_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Contender:
    """A network to compare with others on the same episodes.

    Attributes:
        name: shown to people, and unique.
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)`` of all images; those that no episode asks for do not matter.
        rule: how shots are combined.
        temperature: of the softmax that gives probabilities.
        as_support: float32 ``(N, D)``, embeddings of all images as support images of classes with few images
            (``fsl.twin.test_time_augmentation``); None means ``embeddings``.
    """

    name: str
    twin: TwinNetwork
    embeddings: Tensor
    rule: Rule = "mean"
    temperature: float = 1.0
    as_support: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one contender in the first E episodes.

    Attributes:
        episodes: these episodes, N ways and Q queries each.
        ways: int64 ``(E, N, Q)``, the way answered.
        confidence: float64 ``(E, N, Q)``, the probability of the answer, in [0, 1].
        similarity: float64 ``(E, N, Q)``, similarity to the answered class, in [0, 1].
        unknown_similarity: float64 ``(E, Q)``, the same for queries of a class that is not in the support
            set; None if all classes are in it.
    """

    episodes: Episodes
    ways: IntArray
    confidence: Float64Array
    similarity: Float64Array
    unknown_similarity: Float64Array | None

    @property
    def n_episodes(self) -> int:
        """Return the number of episodes, E."""
        return len(self.ways)

    @property
    def right(self) -> BoolArray:
        """Return whether each answer is correct, bool ``(E, N, Q)``."""
        return np.equal(self.ways, np.arange(self.ways.shape[1])[None, :, None])

    def result(self, n_classes: int) -> EvaluationResult:
        """Return accuracy with its interval, the confusion matrix and the accuracy per class."""
        return summarise(self.episodes, self.ways, n_classes)


def stream_answers(
    contenders: Sequence[Contender], labels: IntArray, config: EpisodeConfig
) -> Iterator[tuple[Answers, ...]]:
    """Let all contenders answer the same episodes, and report after every few of them.

    The episodes are those of ``evaluate`` for the same settings. If there are enough classes, one more class
    is drawn for each episode and left out of its support set, for open-set queries.

    Args:
        contenders: with embeddings of the same images.
        labels: int64 ``(N,)``, 0 to C - 1.

    Yields:
        the answers of each contender to all episodes so far. The caller may stop early.

    Raises:
        DataError: there are not enough classes with enough images.
    """
    drawn, n_left_out = draw_open_set(labels, config)
    n_scores = config.n_way * (config.n_way + n_left_out) * config.n_query * config.n_shot
    step = max(1, min(-(-config.n_episodes // N_PARTS), _SCORES_AT_ONCE // n_scores))
    so_far: list[Answers | None] = [None] * len(contenders)
    for start in range(0, config.n_episodes, step):
        part = Episodes(*(rows[start : start + step] for rows in vars(drawn).values()))
        for i, contender in enumerate(contenders):
            so_far[i] = _joined(so_far[i], _answer(contender, part, config.n_way))
        yield tuple(answers for answers in so_far if answers is not None)


def fit_to_images(config: EpisodeConfig, labels: IntArray) -> EpisodeConfig:
    """Reduce ways and queries to what the images allow.

    Queries are reduced first: with three pictures of each class, all classes should still be tested.

    Args:
        config: the requested settings.
        labels: int64 ``(N,)``.

    Raises:
        DataError: fewer than two classes have an image left for a query.
    """
    counts = np.sort(np.unique(labels, return_counts=True)[1])[::-1]
    testable = counts[counts > config.n_shot]
    if len(testable) < 2:
        raise DataError(
            f"A test needs 2 classes with at least {config.n_shot + 1} pictures each: {config.n_shot} to "
            f"show and 1 to ask about. Of {count(len(counts), 'class', 'classes')} {len(testable)} "
            f"{'has' if len(testable) == 1 else 'have'} that many. "
            "Add pictures, or ask for fewer examples (shots)."
        )
    room = int(testable[: config.n_way][-1]) - config.n_shot
    return fit_ways(replace(config, n_query=min(config.n_query, room)), labels)[0]


def draw_open_set(labels: IntArray, config: EpisodeConfig) -> tuple[Episodes, int]:
    """Draw the episodes of ``stream_answers``.

    Args:
        labels: int64 ``(N,)``, 0 to C - 1.

    Returns:
        the episodes, with one class more than the support set has if possible; and 1 if so, else 0.

    Raises:
        DataError: there are not enough classes with enough images.
    """
    counts = np.unique(labels, return_counts=True)[1]
    n_usable = int((counts >= config.n_shot + config.n_query).sum())
    if n_usable <= config.n_way:
        return sample_episodes(labels, config), 0
    # Ways are drawn one after another, so the others are the same as without the additional one.
    return sample_episodes(labels, replace(config, n_way=config.n_way + 1)), 1


def _answer(contender: Contender, drawn: Episodes, n_way: int) -> Answers:
    support_set = replace(drawn, support=drawn.support[:, :n_way])
    scores = episode_scores(
        contender.twin, contender.embeddings, support_set, contender.rule, contender.as_support
    ).double()
    known = scores[:, :n_way]
    best, ways = known.max(-1)
    confidence = probabilities(known, contender.temperature).amax(-1)
    has_unknown = scores.shape[1] > n_way
    unknown = torch.sigmoid(scores[:, n_way:].amax(-1)).squeeze(1).numpy() if has_unknown else None
    episodes = Episodes(drawn.classes[:, :n_way], support_set.support, drawn.query[:, :n_way])
    return Answers(episodes, ways.numpy(), confidence.numpy(), torch.sigmoid(best).numpy(), unknown)


def _joined(first: Answers | None, second: Answers) -> Answers:
    if first is None:
        return second
    unknown = None
    if first.unknown_similarity is not None and second.unknown_similarity is not None:
        unknown = np.concatenate([first.unknown_similarity, second.unknown_similarity])
    pairs = zip(vars(first.episodes).values(), vars(second.episodes).values(), strict=True)
    return Answers(
        Episodes(*(np.concatenate(pair) for pair in pairs)),
        np.concatenate([first.ways, second.ways]),
        np.concatenate([first.confidence, second.confidence]),
        np.concatenate([first.similarity, second.similarity]),
        unknown,
    )
