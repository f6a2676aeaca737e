"""The shape of a loss on one pair: its value and slope, computed by the functions used in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PairLoss = Callable[[Tensor, Tensor], Tensor]
"""Takes one value of x ``(1,)`` and one difference label ``(1,)``; returns a scalar."""


@dataclass(frozen=True)
class LossShape:
    """The loss of one pair as a function of x, which is a logit or a distance.

    Attributes:
        loss: at each x.
        slope: derivative of the loss at each x. If positive, training makes x smaller (pulls the two
            together); if negative, larger (pushes them apart).
    """

    loss: tuple[float, ...]
    slope: tuple[float, ...]


def loss_shape(loss: PairLoss, x: Sequence[float], difference: int) -> LossShape:
    """Evaluate a loss on single pairs, with its slope by automatic differentiation.

    Args:
        loss: the loss of one pair.
        x: logits or distances to evaluate it at.
        difference: the pair's label, 0 = same class, 1 = different class.
    """
    with torch.inference_mode(False), torch.enable_grad():
        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        label = torch.tensor([float(difference)], dtype=torch.float64)
        values = torch.stack([loss(at[i : i + 1], label) for i in range(len(x))])
        (slope,) = torch.autograd.grad(values.sum(), at)
    return LossShape(tuple(values.tolist()), tuple(slope.tolist()))
