"""Losses on pairs. Difference labels throughout: 0 = same class, 1 = different class."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor


def pair_weights(difference: Tensor) -> Tensor:
    """Weights that sum to 1 and give the two kinds of pairs half each, however many there are of either.

    Args:
        difference: float ``(n_pairs,)`` of 0 and 1.

    Returns:
        float ``(n_pairs,)``; a batch with one kind only is weighted evenly.
    """
    n_different = difference.sum()
    n_same = difference.numel() - n_different
    if n_different == 0 or n_same == 0:
        return torch.full_like(difference, 1 / difference.numel())
    return torch.where(difference > 0, 0.5 / n_different, 0.5 / n_same)


def bce_loss(logits: Tensor, difference: Tensor) -> Tensor:
    """Binary cross-entropy of the article, the two kinds of pairs weighted equally.

    ``-[t log p + (1 - t) log(1 - p)]`` with ``p = sigmoid(logit)``. The article's batches hold equally many
    pairs of either kind, where this is the plain mean; batches of all pairs do not.

    Args:
        logits: float ``(n_pairs,)``.
        difference: float ``(n_pairs,)`` of 0 and 1.

    Returns:
        float scalar.
    """
    losses = F.binary_cross_entropy_with_logits(logits, difference, reduction="none")
    return (losses * pair_weights(difference)).sum()


def rank_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Each same pair must be ranked before all different pairs of the same image.

    For an image a and one p of its class: ``-log(exp(-l_ap) / (exp(-l_ap) + sum_n exp(-l_an)))`` over the
    images n of other classes, l being the head's logits: the softmax that decides an N-way one-shot
    episode, written with the twin's own logits (Sohn, "N-pair loss", 2016, with the head's distance in
    place of the inner product).

    Args:
        logits: float ``(n, n)``, every image of a batch against every other.
        labels: int ``(n,)``, the classes; at least two images of one class and two classes.

    Returns:
        float scalar, the mean over all (a, p).
    """
    same = labels[:, None] == labels[None, :]
    positives = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    nearest_others = torch.logsumexp((-logits).masked_fill(same, -torch.inf), dim=1, keepdim=True)
    return F.softplus(nearest_others + logits)[positives].mean()
