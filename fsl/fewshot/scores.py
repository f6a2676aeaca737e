"""From pair logits to class scores and probabilities.

A class score is the logit of being the same: ``sigmoid(score)`` is the class's similarity in [0, 1], and
``softmax(scores / temperature)`` the probabilities of the classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fsl.base.errors import SettingsError
from fsl.base.settings import check_range, require
from fsl.config import Rule


def group_scores(logits: Tensor, slots: Tensor, n_way: int, rule: Rule) -> Tensor:
    """Return class scores from pair logits; classes may have different numbers of shots.

    Args:
        logits: float ``(n_query, n_support)``, the head's; higher = more different.
        slots: int64 ``(n_support,)``, the class of each support image; all of 0 to n_way - 1 occur.
        n_way: N.
        rule: "mean" averages a class's logits, "max" takes its most similar image.

    Returns:
        float ``(n_query, n_way)``, higher = more similar.

    Raises:
        SettingsError: ``rule`` is neither; "prototype" compares with mean embeddings and needs no grouping.
    """
    out = torch.zeros(len(logits), n_way, dtype=logits.dtype)
    index = slots.expand(len(logits), -1)
    if rule == "mean":
        return out.scatter_reduce(1, index, -logits, reduce="mean", include_self=False)
    if rule == "max":
        return out.scatter_reduce(1, index, -logits, reduce="amax", include_self=False)
    raise SettingsError(f"Rule {rule!r} does not group pair logits; use 'mean' or 'max'.")


def prototypes(embeddings: Tensor, slots: Tensor, n_way: int) -> Tensor:
    """Return the mean embedding of each class (Snell et al., "Prototypical Networks", 2017).

    Args:
        embeddings: float ``(n_support, D)``.
        slots: int64 ``(n_support,)``.
        n_way: N.

    Returns:
        float ``(n_way, D)``.
    """
    out = torch.zeros(n_way, embeddings.shape[1], dtype=embeddings.dtype)
    index = slots[:, None].expand_as(embeddings)
    return out.scatter_reduce(0, index, embeddings, reduce="mean", include_self=False)


def probabilities(scores: Tensor, temperature: float) -> Tensor:
    """Return class probabilities: the softmax of scores over the classes.

    Args:
        scores: float ``(..., n_way)``.
        temperature: positive; higher = less sure.

    Returns:
        float ``(..., n_way)``, each row summing to 1.
    """
    return torch.softmax(scores / temperature, dim=-1)


def check_threshold(threshold: float, name: str = "The threshold") -> None:
    """Check that a threshold is a similarity.

    Args:
        threshold: in [0, 1].
        name: of the threshold, for the message.

    Raises:
        SettingsError: it is not in [0, 1].
    """
    check_range(name, threshold, 0, 1)


def check_false_accept(rate: float, name: str = "The false-accept rate") -> None:
    """Check that a requested false-accept rate is above 0, and at most 1; ``name`` is for the message.

    Raises:
        SettingsError: it is not.
    """
    require(0 < rate <= 1, f"{name} is {rate}; it must be above 0, and at most 1.")
