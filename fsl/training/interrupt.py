"""Break off a batch between two layers, so that a request to stop does not wait for the end of the batch.

A batch of a large network takes seconds on a processor. Dividing it into parts would change what batch norm
computes, so the batch stays whole: after each layer, forward and backward, the run is asked whether to stop.
A batch that is broken off leaves no trace; a resumed run repeats it with the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fsl.config import TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.batch import Batch, train_on
from fsl.training.state import TrainState

_SECONDS = 0.1  # between two questions; a request may be a file that is looked for


class _Interrupted(Exception):  # noqa: N818 - not an error: it ends a batch of a run that is to stop
    pass


def train_unless_stopped(
    state: TrainState, data: ImageSet, batch: Batch, config: TrainConfig, should_stop: Callable[[], bool]
) -> tuple[Tensor, int] | None:
    """Train on one batch; break it off if the run is to stop. Arguments and errors as for ``train_on``.

    Processes that train together wait for one another, so their batches are never broken off.

    Returns:
        what ``train_on`` returns, or None if the run is to stop; the state is then as before, except that
        ``state.sampler`` has drawn the batch.
    """
    if state.group.world_size > 1:
        return train_on(state, data, batch, config)
    generator = state.generator.get_state()
    statistics = [values.clone() for values in _batch_statistics(state.twin)]
    try:
        with _asking_between_layers(state.twin, should_stop):
            return train_on(state, data, batch, config)
    except _Interrupted:
        state.generator.set_state(generator)
        for values, before in zip(_batch_statistics(state.twin), statistics, strict=True):
            values.copy_(before)
        return None


def _batch_statistics(module: nn.Module) -> list[Tensor]:
    """Return the buffers that a forward pass changes."""
    norms = (one for one in module.modules() if isinstance(one, _BatchNorm) and one.training)
    return [values for norm in norms for values in norm.buffers(recurse=False)]


@contextmanager
def _asking_between_layers(module: nn.Module, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Raise ``_Interrupted`` from the forward or the backward pass of a module once the run is to stop."""
    asked_at = time.monotonic()

    def ask() -> None:
        nonlocal asked_at
        if time.monotonic() - asked_at >= _SECONDS:
            if should_stop():
                raise _Interrupted
            asked_at = time.monotonic()

    def after_layer(_layer: nn.Module, _inputs: object, output: object) -> None:
        ask()
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _gradient: ask())  # type: ignore[no-untyped-call]

    layers = [one for one in module.modules() if not any(True for _ in one.children())]
    hooks = [layer.register_forward_hook(after_layer) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
