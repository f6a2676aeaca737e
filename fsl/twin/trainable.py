"""Choose the layers that a run trains: all, the last block, an adapter, or the head alone."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import Trainable
from fsl.twin.adapter import Adapter
from fsl.twin.network import TwinNetwork

ADAPTER_DIRECTIONS = 128
_TRUNK = 0.75  # a stage with a larger share of the weight matrices is all blocks, not the last one


def choose_trainable(twin: TwinNetwork, which: Trainable) -> None:
    """Freeze all layers but those to train, in place.

    Args:
        twin: the network that the run trains.
        which: "all"; "block", the layers of ``last_block`` and the head; "last", an adapter, which is added
            if there is none, and the head, or the same as "block" for a network without whitening; or "head".

    Raises:
        SettingsError: there is no last block.
    """
    twin.requires_grad_(which == "all")
    twin.head.requires_grad_(True)
    if which == "last" and twin.config.damped:
        _require_adapter(twin)
        twin.adapter.requires_grad_(True)
    elif which in ("block", "last"):
        for module in last_block(twin.backbone):
            module.requires_grad_(True)


def _require_adapter(twin: TwinNetwork) -> None:
    """Add an adapter that changes nothing yet, unless the network has one."""
    if not twin.config.adapter:
        twin.config = replace(twin.config, adapter=ADAPTER_DIRECTIONS)
        twin.adapter = Adapter(twin.embedding_dim, ADAPTER_DIRECTIONS).to(twin.head.weight.device)


def last_block(backbone: nn.Module) -> tuple[nn.Module, ...]:
    """Return the last block of layers, and what follows it: a norm, the projection to ``embedding_dim``.

    conv4 and plain4: the fourth block; residual: the last residual block; resnet18: ``layer4``;
    efficientnet_lite: the last inverted-residual block and the 1x1 convolution after it, which is too small
    to adapt by itself; several backbones side by side: the last block of each. For other networks: the last
    stage with weight matrices; if one stage is nearly the whole network (a transformer's blocks), the last
    block within it.

    Raises:
        SettingsError: the backbone has no weights to train.
    """
    chosen = _last_block(backbone)
    if not chosen:
        raise SettingsError(
            "This backbone has no weights, and so no last block to train: train the head alone "
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
    """Count the weights that mix values; the weights of norms only scale them."""
    return sum(sum(size > 1 for size in p.shape) > 1 for p in module.parameters())


def _is_projection(stage: nn.Module) -> bool:
    """Return whether its only weights are one linear map."""
    return _n_matrices(stage) == 1 and any(isinstance(module, nn.Linear) for module in stage.modules())


def _is_pointwise(module: nn.Module) -> bool:
    first = module if isinstance(module, nn.Conv2d) else next(module.children(), None)
    return isinstance(first, nn.Conv2d) and first.kernel_size == (1, 1)


def training_mode(twin: TwinNetwork) -> None:
    """Set training mode, but keep the batch-norm statistics of frozen layers fixed."""
    twin.train()
    for module in twin.backbone.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(p.requires_grad for p in own):
            module.eval()
