"""Fit the scale and the bias of a head, so that its similarities are neither too sure nor too cautious."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fsl.base.types import IntArray
from fsl.twin.inference import pair_logits
from fsl.twin.losses import bce_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import all_pairs


def fit_scale_and_bias(twin: TwinNetwork, sets: Sequence[tuple[Tensor, IntArray]]) -> None:
    """Fit a positive scale and a bias of the logits in place, by the article's loss over all pairs.

    No similarity moves past another, so the error rates at the best limits stay as they are. A network
    trained on few classes is too sure of itself: its similarities crowd at 0 and 1.

    Args:
        twin: the network.
        sets: embeddings float32 ``(N, D)`` and labels int64 ``(N,)`` of each data set; each counts the same.
    """
    logits, differences = [], []
    for embeddings, labels in sets:
        first, second, difference = all_pairs(torch.from_numpy(labels))
        logits.append(pair_logits(twin, embeddings, embeddings)[first, second].clone())
        differences.append(difference)
    log_scale, bias = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([log_scale, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        scaled = (log_scale.exp() * one + bias for one in logits)
        losses = [bce_loss(one, target) for one, target in zip(scaled, differences, strict=True)]
        loss = torch.stack(losses).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        twin.head.weight.mul_(log_scale.exp())
        twin.head.bias.mul_(log_scale.exp()).add_(bias)
