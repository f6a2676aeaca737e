"""Calibrate probabilities and the threshold of "unknown", on held-out episodes."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor

from fsl.base.types import IntArray
from fsl.config import EpisodeConfig, Rule
from fsl.fewshot.episodes import fit_ways, sample_episodes
from fsl.fewshot.evaluate import episode_scores
from fsl.twin.header import Calibration
from fsl.twin.network import TwinNetwork


def calibrate(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    rule: Rule,
    config: EpisodeConfig,
    data: str,
    as_support: Tensor | None = None,
) -> Calibration:
    """Fit the temperature of the probabilities and the "unknown" threshold.

    Args:
        embeddings: float32 ``(N, D)``, of classes it was not trained on.
        labels: int64 ``(N,)``.
        rule: the rule to calibrate.
        config: episodes to fit on; fewer ways if there are fewer classes.
        data: name of the data, kept in the header.
        as_support: as for ``episode_scores``.

    Raises:
        DataError, SettingsError: fewer than three classes have enough images.
    """
    config, known, unknown = open_set_scores(twin, embeddings, labels, rule, config, as_support)
    what = (
        f"{data}: {config.n_episodes} episodes, {config.n_way}-way {config.n_shot}-shot, seed {config.seed}"
    )
    return calibrate_scores(known, unknown, rule, what)


def open_set_scores(
    twin: TwinNetwork,
    embeddings: Tensor,
    labels: IntArray,
    rule: Rule,
    config: EpisodeConfig,
    as_support: Tensor | None = None,
) -> tuple[EpisodeConfig, Tensor, Tensor]:
    """Score queries of known classes and queries of unknown classes.

    Args:
        embeddings: float32 ``(N, D)``.
        labels: int64 ``(N,)``.
        rule: how shots are combined.
        config: the episodes; fewer ways if there are fewer classes.
        as_support: as for ``episode_scores``.

    Returns:
        the episodes' settings; scores of known queries, float ``(E, n_way, Q, n_way)``, whose second index is
        the correct class; and scores of unknown queries, float ``(E, Q, n_way)``.

    Raises:
        DataError, SettingsError: fewer than three classes have enough images.
    """
    # One more class is drawn and left out of the support set; its queries are the unknown ones.
    drawn, _ = fit_ways(replace(config, n_way=config.n_way + 1), labels)
    episodes = sample_episodes(labels, drawn)
    support_set = replace(episodes, support=episodes.support[:, :-1])
    scores = episode_scores(twin, embeddings, support_set, rule, as_support)  # (E, n_way + 1, Q, n_way)
    return replace(drawn, n_way=drawn.n_way - 1), scores[:, :-1], scores[:, -1]


def calibrate_scores(known: Tensor, unknown: Tensor, rule: Rule, what: str) -> Calibration:
    """Fit a calibration to the scores of ``open_set_scores``; ``what`` names the data."""
    n_way = known.shape[-1]
    targets = torch.arange(n_way)[None, :, None].expand(known.shape[:3]).reshape(-1)
    temperature = fit_temperature(known.reshape(-1, n_way), targets)
    known_best = torch.sigmoid(known.amax(-1)).flatten()
    unknown_best = torch.sigmoid(unknown.amax(-1)).flatten()
    threshold, false_reject, false_accept = balanced_threshold(known_best, unknown_best)
    accuracy = float((known.argmax(-1).flatten() == targets).float().mean())
    return Calibration(rule, temperature, threshold, false_reject, false_accept, accuracy, what)


def fit_temperature(scores: Tensor, targets: Tensor) -> float:
    """Fit the temperature, positive, that maximises the likelihood (Guo et al., "On Calibration", 2017).

    The targets are smoothed by one answer in n + 2, as by Platt ("Probabilistic Outputs for Support Vector
    Machines", 1999): n correct answers do not justify a probability of 1, and if all are correct, the
    likelihood alone has no maximum.

    Args:
        scores: float ``(n, n_way)``.
        targets: int64 ``(n,)``, the correct class.
    """
    from scipy.optimize import minimize_scalar

    doubt = 1 / (len(targets) + 2)
    scores = scores.double()

    def loss(log_t: float) -> float:  # has one minimum
        return float(F.cross_entropy(scores / math.exp(log_t), targets, label_smoothing=doubt))

    bounds = (math.log(1e-2), math.log(1e2))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return math.exp(found.x)


def balanced_threshold(known: Tensor, unknown: Tensor) -> tuple[float, float, float]:
    """Find the threshold at which the false-reject and the false-accept rate are equal.

    Args:
        known: float ``(n,)``, best class similarity of queries whose class is in the support set.
        unknown: float ``(m,)``, of queries whose class is not.

    Returns:
        threshold, false-reject rate, false-accept rate; all in [0, 1].
    """
    candidates = torch.unique(torch.cat([known, unknown]))
    rejected = torch.searchsorted(known.sort().values, candidates) / len(known)
    accepted = 1 - torch.searchsorted(unknown.sort().values, candidates) / len(unknown)
    best = int((rejected - accepted).abs().argmin())
    return float(candidates[best]), float(rejected[best]), float(accepted[best])
