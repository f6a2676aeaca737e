"""Which layers a run trains: all, the last block and the head, or the head alone."""

from __future__ import annotations

from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import Trainable
from fsl.twin.network import TwinNetwork

_TRUNK = 0.75  # of a network's weight matrices: more of them are no block, but all of its blocks


def choose_trainable(twin: TwinNetwork, which: Trainable) -> None:
    """Freeze the other layers, in place.

    Args:
        twin: the run's own network.
        which: "all"; "last", what ``last_block`` gives and the head; "head".

    Raises:
        SettingsError: there is no last block.
    """
    twin.requires_grad_(which == "all")
    twin.head.requires_grad_(True)
    if which == "last":
        for module in last_block(twin.backbone):
            module.requires_grad_(True)


def last_block(backbone: nn.Module) -> tuple[nn.Module, ...]:
    """The last stage that can learn much, and what follows it: a norm, the projection to ``embedding_dim``.

    conv4 and plain4: the fourth block; residual: the last residual block; resnet18: ``layer4``;
    efficientnet_lite: the last inverted-residual block and the 1x1 convolution after it, which is too little
    to adapt by itself; several backbones side by side: that of each. Of other networks: the last stage with
    weight matrices, and where one stage is nearly the whole network (a transformer's blocks), the last within
    it.

    Raises:
        SettingsError: nothing in it learns.
    """
    chosen = _last_block(backbone)
    if not chosen:
        raise SettingsError(
            "This backbone has no layers that learn, and so no last block of them: train the head alone "
            "(--trainable head)."
        )
    return chosen


def _last_block(backbone: nn.Module) -> tuple[nn.Module, ...]:
    stages = [m for m in backbone.children() if any(True for _ in m.parameters())]
    if len(stages) == 1 and isinstance(stages[0], nn.ModuleList):
        return tuple(module for member in stages[0] for module in _last_block(member))
    blocks = [i for i, stage in enumerate(stages) if _n_matrices(stage)]
    if len(blocks) > 1 and _is_projection(stages[blocks[-1]]):
        blocks.pop()
    if not blocks:
        return ()
    last = blocks[-1]
    before = stages[last - 1] if last else None
    chosen = stages[last:]
    if _is_pointwise(stages[last]) and isinstance(before, nn.Sequential):
        return (before[-1], *chosen)
    if isinstance(chosen[0], nn.Sequential) and _n_matrices(chosen[0]) > _TRUNK * _n_matrices(backbone):
        within = list(chosen[0])
        start = max(i for i, module in enumerate(within) if _n_matrices(module))
        return (*within[start:], *chosen[1:])
    return tuple(chosen)


def _n_matrices(module: nn.Module) -> int:
    """How many weights bring values together, unlike those of norms, which scale each by itself."""
    return sum(sum(size > 1 for size in p.shape) > 1 for p in module.parameters())


def _is_projection(stage: nn.Module) -> bool:
    """Whether all that it learns is one linear map."""
    return _n_matrices(stage) == 1 and any(isinstance(module, nn.Linear) for module in stage.modules())


def _is_pointwise(module: nn.Module) -> bool:
    first = module if isinstance(module, nn.Conv2d) else next(module.children(), None)
    return isinstance(first, nn.Conv2d) and first.kernel_size == (1, 1)


def training_mode(twin: TwinNetwork) -> None:
    """As ``twin.train()``, but a frozen layer's batch norm keeps its statistics, which are part of it."""
    twin.train()
    for module in twin.backbone.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own):
            module.eval()
