"""Losses on pairs and triplets. Difference labels: 0 = same class, 1 = different class."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor


def pair_weights(difference: Tensor) -> Tensor:
    """Return weights that sum to 1 and give half to same pairs and half to different pairs.

    Args:
        difference: float ``(n_pairs,)`` of 0 and 1.

    Returns:
        float ``(n_pairs,)``; equal weights if the batch has one kind only.
    """
    n_different = difference.sum()
    n_same = difference.numel() - n_different
    if n_different == 0 or n_same == 0:
        return torch.full_like(difference, 1 / difference.numel())
    return torch.where(difference > 0, 0.5 / n_different, 0.5 / n_same)


def bce_loss(logits: Tensor, difference: Tensor) -> Tensor:
    """Return the article's binary cross-entropy, with same and different pairs weighted equally.

    ``-[t log p + (1 - t) log(1 - p)]`` with ``p = sigmoid(logit)``. The article's batches have equal
    numbers of both kinds, so that this is the plain mean; batches of all pairs have not.

    Args:
        logits: float ``(n_pairs,)``.
        difference: float ``(n_pairs,)`` of 0 and 1.

    Returns:
        float scalar.
    """
    losses = F.binary_cross_entropy_with_logits(logits, difference, reduction="none")
    return (losses * pair_weights(difference)).sum()


def rank_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return a loss that ranks each same pair before all different pairs of the same image.

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


def embedding_distance(e1: Tensor, e2: Tensor) -> Tensor:
    """Return the root mean square difference of embeddings: their Euclidean distance over sqrt(D).

    So a margin means the same for embeddings of any length.

    Args:
        e1: float ``(..., D)``.
        e2: float, broadcastable against ``e1``.

    Returns:
        float ``(...)``, not negative, lower = closer.
    """
    squared = (e1 - e2).square().mean(-1)
    # The root has an infinite slope at 0, so equal embeddings would give NaN gradients.
    return torch.sqrt(squared + 1e-12)


def contrastive_loss(distance: Tensor, difference: Tensor, margin: float) -> Tensor:
    """Return a loss that pulls same pairs together, and pushes different ones ``margin`` apart.

    ``(1 - t) d^2 / 2 + t max(0, margin - d)^2 / 2`` with t the difference label (Hadsell, Chopra and LeCun,
    "Dimensionality Reduction by Learning an Invariant Mapping", 2006); same and different pairs are weighted
    equally, as in ``bce_loss``.

    Args:
        distance: float ``(n_pairs,)``, from ``embedding_distance``.
        difference: float ``(n_pairs,)`` of 0 and 1.
        margin: positive.

    Returns:
        float scalar.
    """
    same = distance.square() / 2
    different = F.relu(margin - distance).square() / 2
    return (torch.where(difference > 0, different, same) * pair_weights(difference)).sum()


def triplet_loss(embeddings: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Return a loss that wants images closer to their class than to others, by ``margin``.

    ``max(0, d(a, p) - d(a, n) + margin)`` (Schroff, Kalenichenko and Philbin, "FaceNet", 2015), as the mean
    over every valid triplet of the batch: a and p are two images of one class, n is one of another. It uses
    the plain distance instead of its square, and all triplets instead of the semi-hard ones; both keep it
    from collapsing and let its value fall to 0 (Hermans, Beyer and Leibe, "In Defense of the Triplet Loss",
    2017).

    Args:
        embeddings: float ``(n, D)``.
        labels: int ``(n,)``; at least two images of one class and two classes.
        margin: positive.

    Returns:
        float scalar; the margin itself if all embeddings are equal.
    """
    distance = embedding_distance(embeddings[:, None], embeddings[None])  # (n, n)
    same = labels[:, None] == labels[None, :]
    anchors, positives = torch.nonzero(same.triu(1) | same.tril(-1), as_tuple=True)
    hinge = F.relu(distance[anchors, positives][:, None] - distance[anchors] + margin)  # (n_ap, n)
    return hinge[~same[anchors]].mean()
