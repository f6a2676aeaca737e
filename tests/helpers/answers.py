"""An evaluation's answers on random embeddings."""

from __future__ import annotations

from fsl.base.types import IntArray
from fsl.config import EpisodeConfig
from fsl.fewshot.answers import Answers, Contender, stream_answers
from tests.helpers.embeddings import clusters
from tests.helpers.networks import checkpoint

EPISODES = EpisodeConfig(4, 2, 3, 50, seed=3)


def contender(rule: str = "mean", spread: float = 1.5) -> tuple[Contender, IntArray]:
    """Return a network with its embeddings of 6 classes, and their labels."""
    embeddings, labels = clusters(spread)
    return Contender("a", checkpoint().twin, embeddings, rule, 0.5), labels  # type: ignore[arg-type]


def answers_of(config: EpisodeConfig = EPISODES, rule: str = "mean", spread: float = 1.5) -> Answers:
    """Return the answers of a whole evaluation."""
    one, labels = contender(rule, spread)
    *_, (answers,) = stream_answers([one], labels, config)
    return answers
