"""Which layers a run trains: all, the last block and the head, or the head alone."""

from __future__ import annotations

from torch import nn

from fsl.config import Trainable
from fsl.twin.network import TwinNetwork


def choose_trainable(twin: TwinNetwork, which: Trainable) -> None:
    """Freeze the other layers, in place.

    Args:
        twin: the run's own network.
        which: "all"; "last", what ``last_block`` gives and the head; "head".
    """
    twin.requires_grad_(which == "all")
    twin.head.requires_grad_(True)
    if which == "last":
        for module in last_block(twin.backbone):
            module.requires_grad_(True)


def last_block(backbone: nn.Module) -> tuple[nn.Module, ...]:
    """The last stage with weights, and the projection to ``embedding_dim`` where there is one.

    conv4 and plain4: the fourth block; residual: the last residual block; resnet18: ``layer4``;
    efficientnet_lite: the last inverted-residual block and the 1x1 convolution after it, which is too little
    to adapt by itself; several backbones side by side: that of each.
    """
    stages = [m for m in backbone.children() if any(True for _ in m.parameters())]
    if len(stages) == 1 and isinstance(stages[0], nn.ModuleList):
        return tuple(module for member in stages[0] for module in last_block(member))
    n_last = 1
    if isinstance(stages[-1], nn.Linear):
        n_last += 1
    chosen = stages[-n_last:]
    before = stages[-n_last - 1] if len(stages) > n_last else None
    if _is_pointwise(chosen[0]) and isinstance(before, nn.Sequential):
        chosen = [before[-1], *chosen]
    return tuple(chosen)


def _is_pointwise(module: nn.Module) -> bool:
    first = next(module.children(), None)
    return isinstance(first, nn.Conv2d) and first.kernel_size == (1, 1)


def training_mode(twin: TwinNetwork) -> None:
    """As ``twin.train()``, but a frozen layer's batch norm keeps its statistics, which are part of it."""
    twin.train()
    for module in twin.backbone.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own):
            module.eval()
