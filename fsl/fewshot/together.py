"""Answer several queries together (transductive inference), so that they help to locate the classes.

One or two pictures of a class are a poor estimate of its mean. The queries are further pictures of the same
classes, only without labels. So everything is centred on all pictures at hand, and each class's mean is moved
once towards the queries, each as heavy as its probability of being of that class: one step of soft k-means
that starts from the support set (Ren et al., "Meta-Learning for Semi-Supervised Few-Shot Classification",
2018). The order of the queries makes no difference, but an answer depends on which others there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fsl.fewshot.classify import Prediction, class_scores, with_probabilities
from fsl.fewshot.embed import embed_support
from fsl.fewshot.scores import probabilities, prototypes
from fsl.fewshot.support import SupportSet
from fsl.fewshot.support_view import view_of
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import pair_logits, usable
from fsl.twin.network import TwinNetwork

FEWEST_TOGETHER = 2


def scores_together(
    twin: TwinNetwork, support: Tensor, slots: Tensor, n_way: int, query: Tensor, temperature: float
) -> Tensor:
    """Return class scores by the means of the classes, moved towards the queries.

    Args:
        twin: the network whose head compares.
        support: float ``(n_support, D)``, not centred.
        slots: int64 ``(n_support,)``, the class of each image; all of 0 to n_way - 1 occur.
        n_way: N.
        query: float ``(n_query, D)``, likewise.
        temperature: of the probabilities by the rule "prototype".

    Returns:
        float ``(n_query, N)``, higher = more similar.
    """
    view = view_of(twin, support, slots, centred_on=torch.cat([support, query]))
    seen, asked = view(support), view(query)
    share = probabilities(class_scores(twin, seen, slots, n_way, asked, "prototype"), temperature)
    n_shots = torch.bincount(slots, minlength=n_way)[:, None].to(seen.dtype)
    sums = prototypes(seen, slots, n_way) * n_shots + share.T @ asked
    return -usable(pair_logits(twin, asked, sums / (n_shots + share.sum(0)[:, None])))


def answered_together(
    checkpoint: Checkpoint, support: SupportSet, query: Tensor, predictions: Sequence[Prediction]
) -> list[Prediction]:
    """Replace the class and the probabilities of answers that were given one by one.

    Similarities stay, and with them which answers are "unknown": its limit was measured on single queries.

    Args:
        query: float32 ``(n_query, D)``, the queries' embeddings.
        predictions: one per query, in the same order, by any rule.

    Returns:
        the new answers, in order; those given if there are fewer than ``FEWEST_TOGETHER``.
    """
    if len(predictions) < FEWEST_TOGETHER:
        return list(predictions)
    temperature = checkpoint.info.calibration("prototype").temperature
    shown = embed_support(checkpoint, support)
    scores = scores_together(checkpoint.twin, shown, support.slot_tensor, support.n_way, query, temperature)
    return with_probabilities(predictions, support, probabilities(scores, temperature))
