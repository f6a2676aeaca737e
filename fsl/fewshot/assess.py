"""How good, how honest, and against whom: several contenders on the same episodes, part by part.

``answer_in_parts`` is an iterator of partial results, so that a running mean can be shown and an evaluation
stopped early; everything else is a figure computed from the answers so far.
"""

from __future__ import annotations

import math
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
from fsl.fewshot.evaluate import EvaluationResult, ci95, episode_scores, evaluate, summarise
from fsl.fewshot.scores import probabilities
from fsl.twin.network import TwinNetwork

N_PARTS = 40
N_BINS = 10
# Scores held at a time; a part of the episodes has no more.
_SCORES_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class Contender:
    """One of those that are compared.

    Attributes:
        name: of it.
        twin: the network whose head compares.
        embeddings: float32 ``(N, D)`` of all images.
        rule: how shots are combined.
        temperature: of the probabilities.
        as_support: float32 ``(N, D)``, of all images as support images of classes that have few
            (``fsl.twin.test_time_augmentation``); none = ``embeddings``.
    """

    name: str
    twin: TwinNetwork
    embeddings: Tensor
    rule: Rule = "mean"
    temperature: float = 1.0
    as_support: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What one contender answered in the first E episodes.

    Attributes:
        episodes: these episodes, N ways and Q queries each.
        ways: int64 ``(E, N, Q)``, the way answered.
        confidence: float64 ``(E, N, Q)``, the probability of the answer, in [0, 1].
        similarity: float64 ``(E, N, Q)``, similarity to the answered class, in [0, 1].
        stranger_similarity: float64 ``(E, Q)``, the same for queries of a class that was left out of the
            support set; none where no class was left to leave out.
    """

    episodes: Episodes
    ways: IntArray
    confidence: Float64Array
    similarity: Float64Array
    stranger_similarity: Float64Array | None

    @property
    def n_episodes(self) -> int:
        """E."""
        return len(self.ways)

    @property
    def right(self) -> BoolArray:
        """bool ``(E, N, Q)``."""
        return np.equal(self.ways, np.arange(self.ways.shape[1])[None, :, None])

    def result(self, n_classes: int) -> EvaluationResult:
        """Accuracy with its interval, confusion and accuracy of each of ``n_classes`` classes."""
        return summarise(self.episodes, self.ways, n_classes)


def answer_in_parts(
    contenders: Sequence[Contender], labels: IntArray, config: EpisodeConfig
) -> Iterator[tuple[Answers, ...]]:
    """Let all contenders answer the same episodes, and report after every part of them.

    The episodes are those of ``evaluate`` for the same settings. Where there are enough classes, one more is
    drawn for each episode and left out of its support set; its queries are the strangers.

    Args:
        contenders: whose embeddings are of the same images.
        labels: int64 ``(N,)``, 0 to C - 1.
        config: the episodes.

    Yields:
        the answers of each contender to all episodes so far; whoever has enough stops asking.

    Raises:
        DataError: there are not enough classes with enough images.
    """
    drawn, n_left_out = _draw(labels, config)
    n_scores = config.n_way * (config.n_way + n_left_out) * config.n_query * config.n_shot
    step = max(1, min(-(-config.n_episodes // N_PARTS), _SCORES_AT_ONCE // n_scores))
    so_far: list[Answers | None] = [None] * len(contenders)
    for start in range(0, config.n_episodes, step):
        part = Episodes(*(rows[start : start + step] for rows in vars(drawn).values()))
        for i, contender in enumerate(contenders):
            so_far[i] = _joined(so_far[i], _answer(contender, part, config.n_way))
        yield tuple(answers for answers in so_far if answers is not None)


def fit_to_images(config: EpisodeConfig, labels: IntArray) -> EpisodeConfig:
    """The settings with no more ways and queries than the images allow.

    Queries give way before ways: who has three pictures of each class wants all classes tested.

    Args:
        config: as wished.
        labels: int64 ``(N,)``.

    Raises:
        DataError: fewer than two classes have a query left beside their shots.
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


def _draw(labels: IntArray, config: EpisodeConfig) -> tuple[Episodes, int]:
    """Episodes with a class more than are in the support set where there is one, and 1 or 0: whether."""
    counts = np.unique(labels, return_counts=True)[1]
    n_usable = int((counts >= config.n_shot + config.n_query).sum())
    if n_usable <= config.n_way:
        return sample_episodes(labels, config), 0
    # Ways are drawn one after another, so the first ones are those that are drawn without the last.
    return sample_episodes(labels, replace(config, n_way=config.n_way + 1)), 1


def _answer(contender: Contender, drawn: Episodes, n_way: int) -> Answers:
    support_set = replace(drawn, support=drawn.support[:, :n_way])
    scores = episode_scores(
        contender.twin, contender.embeddings, support_set, contender.rule, contender.as_support
    ).double()
    known = scores[:, :n_way]
    best, ways = known.max(-1)
    confidence = probabilities(known, contender.temperature).amax(-1)
    has_strangers = scores.shape[1] > n_way
    strangers = torch.sigmoid(scores[:, n_way:].amax(-1)).squeeze(1).numpy() if has_strangers else None
    episodes = Episodes(drawn.classes[:, :n_way], support_set.support, drawn.query[:, :n_way])
    return Answers(episodes, ways.numpy(), confidence.numpy(), torch.sigmoid(best).numpy(), strangers)


def _joined(first: Answers | None, second: Answers) -> Answers:
    if first is None:
        return second
    strangers = None
    if first.stranger_similarity is not None and second.stranger_similarity is not None:
        strangers = np.concatenate([first.stranger_similarity, second.stranger_similarity])
    pairs = zip(vars(first.episodes).values(), vars(second.episodes).values(), strict=True)
    return Answers(
        Episodes(*(np.concatenate(pair) for pair in pairs)),
        np.concatenate([first.ways, second.ways]),
        np.concatenate([first.confidence, second.confidence]),
        np.concatenate([first.similarity, second.similarity]),
        strangers,
    )


@dataclass(frozen=True, eq=False)
class Reliability:
    """Whether probabilities mean what they say.

    Attributes:
        counts: int64 ``(B,)``, answers in each of B bins of equal width over [0, 1].
        confidence: float64 ``(B,)``, mean probability of a bin's answers, nan where it has none.
        accuracy: float64 ``(B,)``, share of them that was right, nan likewise.
        error: the expected calibration error, in [0, 1]: the mean gap between the two, by answers.
    """

    counts: IntArray
    confidence: Float64Array
    accuracy: Float64Array
    error: float


def reliability(confidence: Float64Array, right: BoolArray, n_bins: int = N_BINS) -> Reliability:
    """Reliability of answers (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    Args:
        confidence: float, any shape, the probability of each answer, in [0, 1].
        right: bool, the same shape.
        n_bins: B.
    """
    flat, hits = confidence.reshape(-1), right.reshape(-1)
    bins = np.minimum((flat * n_bins).astype(np.int64), n_bins - 1)
    counts = np.bincount(bins, minlength=n_bins)
    sums = np.bincount(bins, flat, n_bins)
    n_right = np.bincount(bins, hits, n_bins)
    error = float(np.abs(sums - n_right).sum() / max(1, len(flat)))
    empty = np.full(n_bins, np.nan)
    return Reliability(
        counts.astype(np.int64),
        np.divide(sums, counts, out=empty.copy(), where=counts > 0),
        np.divide(n_right, counts, out=empty.copy(), where=counts > 0),
        error,
    )


def auroc(known: Float64Array, strangers: Float64Array) -> float:
    """How well similarity tells queries of known classes from strangers: the area under the ROC curve.

    Args:
        known: float, any shape, not empty: the best similarity of queries whose class is in the support set.
        strangers: the same of queries whose class is not.

    Returns:
        the share of pairs of one and the other in which the known one is more similar, ties counting half;
        0.5 = no better than chance.
    """
    others = np.sort(strangers.reshape(-1))
    below = np.searchsorted(others, known.reshape(-1), "left")
    not_above = np.searchsorted(others, known.reshape(-1), "right")
    return float((below + not_above).mean() / 2 / len(others))


@dataclass(frozen=True)
class Difference:
    """How much better one contender is than another on the same episodes.

    Attributes:
        mean: of the differences of accuracy, in [-1, 1]; positive = the first is better.
        ci95: half the width of its 95% interval, paired by episode; NaN for a single one.
    """

    mean: float
    ci95: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return abs(self.mean) > self.ci95


def paired_difference(first: Float64Array, second: Float64Array) -> Difference:
    """The difference between two contenders' accuracies ``(E,)`` in the same episodes.

    How hard an episode is moves both alike and cancels out, so this interval is narrower than those of the
    two accuracies suggest.
    """
    gain = first - second
    return Difference(float(gain.mean()), ci95(gain) if len(gain) > 1 else math.nan)


@dataclass(frozen=True)
class Confused:
    """One image that was taken for another class.

    Attributes:
        row: the image.
        true: its class.
        answered: the class it was taken for.
        times: how often.
        asked: in how many episodes it was a query, whatever the answer.
    """

    row: int
    true: int
    answered: int
    times: int
    asked: int


def all_confused_images(answers: Answers) -> tuple[Confused, ...]:
    """Every image that was taken for another class, once for each such class; the most often first."""
    classes, rows = answers.episodes.classes, answers.episodes.query
    given = np.take_along_axis(classes, answers.ways.reshape(len(rows), -1), axis=1).reshape(rows.shape)
    true = np.broadcast_to(classes[:, :, None], rows.shape)
    class_of = np.zeros(rows.max() + 1, np.int64)
    class_of[rows] = true
    asked = np.bincount(rows.reshape(-1))
    n = int(classes.max()) + 1
    cases, times = np.unique((rows * n + given)[~answers.right], return_counts=True)
    found = [
        Confused(case // n, int(class_of[case // n]), case % n, often, int(asked[case // n]))
        for case, often in zip(cases.tolist(), times.tolist(), strict=True)
    ]
    return tuple(sorted(found, key=lambda image: (-image.times, image.row)))


def mistakes(confusion: IntArray, most: int) -> list[tuple[int, int]]:
    """The mistakes made most often, the most frequent first.

    Args:
        confusion: int64 ``(C, C)``, true class by answered class.
        most: how many at the most.

    Returns:
        true class and answered class of each; of equally frequent ones the earlier classes first.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    return [divmod(int(place), len(wrong)) for place in order if wrong.flat[place]]


def most_confused(confusion: IntArray, most: int) -> list[int]:
    """The classes that take part in the most mistakes, in their own order.

    Args:
        confusion: int64 ``(C, C)``, true class by answered class.
        most: how many at the most.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    parts = wrong.sum(0) + wrong.sum(1)
    return sorted(int(row) for row in np.argsort(-parts, kind="stable")[:most])


def confused_images(answers: Answers, true: int, answered: int) -> tuple[Confused, ...]:
    """The images of class ``true`` that were taken for class ``answered``, the most often first."""
    found = all_confused_images(answers)
    return tuple(image for image in found if (image.true, image.answered) == (true, answered))


@dataclass(frozen=True)
class Cell:
    """Accuracy at some number of ways and shots; none where the images do not suffice."""

    n_way: int
    n_shot: int
    accuracy: float | None
    ci95: float | None


def accuracy_grid(
    contender: Contender, labels: IntArray, ways: Sequence[int], shots: Sequence[int], config: EpisodeConfig
) -> Iterator[Cell]:
    """Accuracy for all numbers of ways and shots, on the embeddings that are there.

    Args:
        contender: who is tested.
        labels: int64 ``(N,)``.
        ways: numbers of classes.
        shots: numbers of support images a class.
        config: gives queries, episodes and seed.

    Yields:
        a cell at a time, row by row.
    """
    counts = np.unique(labels, return_counts=True)[1]
    for n_way in ways:
        for n_shot in shots:
            if (counts >= n_shot + config.n_query).sum() < n_way:
                yield Cell(n_way, n_shot, None, None)
                continue
            settings = replace(config, n_way=n_way, n_shot=n_shot)
            result = evaluate(
                contender.twin, contender.embeddings, labels, settings, contender.rule, contender.as_support
            )
            yield Cell(n_way, n_shot, result.accuracy, result.ci95)
