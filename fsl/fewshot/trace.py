"""Trace how a pair of pictures becomes a similarity, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fsl.fewshot.embed import embed
from fsl.fewshot.pictures import Picture
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import device_of
from fsl.twin.losses import bce_loss
from fsl.twin.network import similarity
from fsl.twin.pairs import PairBatch


@dataclass(frozen=True, eq=False)
class PairTrace:
    """One pair of pictures inside the twin network.

    Attributes:
        first: float32 ``(D,)``, embedding of the first picture.
        second: float32 ``(D,)``, of the second.
        terms: float32 ``(D,)``, contribution of each dimension to the logit.
        bias: what the head adds for any pair.
        logit: ``terms.sum() + bias``; higher = more different.
        similarity: ``1 - sigmoid(logit)``, in [0, 1].
    """

    first: Tensor
    second: Tensor
    terms: Tensor
    bias: float
    logit: float
    similarity: float


@torch.inference_mode()
def trace_pair(checkpoint: Checkpoint, first: Picture, second: Picture) -> PairTrace:
    """Compare two pictures and keep all intermediate values.

    Raises:
        ImageReadError: a picture cannot be decoded.
    """
    head = checkpoint.twin.head
    e1, e2 = embed(checkpoint, [first, second]).to(device_of(checkpoint.twin))
    terms = head.terms(e1, e2)
    logit = terms.sum() + head.bias
    return PairTrace(
        e1.cpu(), e2.cpu(), terms.cpu(), float(head.bias), float(logit), float(similarity(logit))
    )


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """The network's answers for a batch of pairs.

    Attributes:
        similarity: float32 ``(n_pairs,)``, in [0, 1].
        loss: binary cross-entropy of the batch, as in training.
        limit: the similarity from which a pair counts as the same, the network's own.
        n_right: pairs whose similarity is on the correct side of it.
    """

    similarity: Tensor
    loss: float
    limit: float
    n_right: int


@torch.inference_mode()
def judge_pairs(checkpoint: Checkpoint, pictures: Sequence[Picture], batch: PairBatch) -> JudgedPairs:
    """Compare the pairs of a batch.

    Args:
        pictures: the rows of the batch refer to these.
        batch: the pairs and their difference labels.

    Raises:
        ImageReadError: a picture cannot be decoded.
    """
    embeddings = embed(checkpoint, pictures).to(device_of(checkpoint.twin))
    logits = checkpoint.twin.head(embeddings[batch.left], embeddings[batch.right]).cpu()
    difference = torch.from_numpy(batch.difference)
    similarities, limit = similarity(logits), checkpoint.info.same_limit
    n_right = int(((similarities < limit) == (difference > 0)).sum())
    return JudgedPairs(similarities, float(bce_loss(logits, difference)), limit, n_right)
