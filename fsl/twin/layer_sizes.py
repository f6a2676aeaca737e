"""Run a network for the sizes of its layers alone: nothing is computed, and no memory is taken.

torch can do that on its ``meta`` device, but imports a second's worth of its compiler for it. The sizes of
the few operations that ask for the compiler are simple formulas, which stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor
from torch.overrides import TorchFunctionMode


def _convolved(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    if isinstance(padding, str):
        raise NotImplementedError
    geometry = zip(x.shape[2:], weight.shape[2:], *map(pair, (stride, padding, dilation)), strict=True)
    sides = [(side + 2 * p - d * (k - 1) - 1) // s + 1 for side, k, s, p, d in geometry]
    # The checks that torch makes, because the header of a file may describe a network that cannot work.
    if x.shape[1] != weight.shape[1] * groups or min(sides) < 1:
        raise RuntimeError(f"a convolution {tuple(weight.shape)} does not fit features {tuple(x.shape)}")
    return x.new_empty(len(x), len(weight), *sides)


def _pooled(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    **more: object,
) -> Tensor:
    if ceil_mode:
        return torch.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
    window = x.new_empty(x.shape[1], 1, *pair(kernel_size))
    return _convolved(x, window, None, stride or kernel_size, padding, dilation, x.shape[1])


def _average_pooled(x: Tensor, kernel_size: Any, stride: Any = None) -> Tensor:
    return _pooled(x, kernel_size, stride)


def _averaged(x: Tensor, output_size: Any) -> Tensor:
    return x.new_empty(*x.shape[:2], *pair(output_size))


def _same(x: Tensor, *args: object, **kwargs: object) -> Tensor:
    return x.new_empty(x.shape)


def _mean(x: Tensor, dim: Any) -> Tensor:
    gone = (dim,) if isinstance(dim, int) else tuple(dim)
    return x.new_empty([size for i, size in enumerate(x.shape) if i not in gone and i - x.ndim not in gone])


def _joined(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    sizes = list(tensors[0].shape)
    sizes[dim] = sum(one.shape[dim] for one in tensors)
    return tensors[0].new_empty(sizes)


def _multiplied(a: Tensor, b: Tensor) -> Tensor:
    if a.ndim != 2 or b.ndim != 2:
        raise NotImplementedError
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"{tuple(a.shape)} cannot be multiplied by {tuple(b.shape)}")
    return a.new_empty(a.shape[0], b.shape[1])


def _projected(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return _multiplied(x, weight.T)


def _of_both(a: Tensor | float, b: Tensor | float) -> Tensor:
    tensors = [one for one in (a, b) if isinstance(one, Tensor)]
    if not all(one.is_floating_point() for one in tensors):
        raise NotImplementedError
    shapes = [one.shape for one in tensors]
    return torch.empty(np.broadcast_shapes(*shapes), device="meta")


SIZES: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    torch.conv2d: _convolved,
    F.adaptive_avg_pool2d: _averaged,
    F.batch_norm: _same,
    F.hardtanh: _same,
    F.relu: _same,
    F.linear: _projected,
    F.avg_pool2d: _average_pooled,
    F.max_pool2d: _pooled,
    F.normalize: _same,
    torch.cat: _joined,
    torch.relu: _same,
    Tensor.clamp: _same,
    Tensor.matmul: _multiplied,
    Tensor.mean: _mean,
    Tensor.sqrt: _same,
    **dict.fromkeys((Tensor.add, Tensor.add_, Tensor.sub, Tensor.mul, Tensor.__rmul__), _of_both),
}
"""What returns an empty tensor of the size that a function would return, by function."""


class SizesOnly(TorchFunctionMode):
    """Within this context, functions of tensors on the ``meta`` device return tensors of the right size."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the empty result of a function."""
        kwargs = kwargs or {}
        first = args[0][0] if args and isinstance(args[0], list) else args[0] if args else None
        if func in SIZES and isinstance(first, Tensor) and first.is_meta:
            with suppress(NotImplementedError, TypeError):  # called in a way that has no formula here
                return SIZES[func](*args, **kwargs)
        return func(*args, **kwargs)


def pair(value: Any) -> tuple[int, int]:
    """Return a setting of a layer for both directions."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[-1]))
