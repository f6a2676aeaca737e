"""Draw random weights from a generator of one's own.

Torch's modules draw their first weights from the global generator and take no other. Seeding and restoring it
is not safe: a thread that draws or seeds at the same time changes the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

_DRAWS: frozenset[Callable[..., Any]] = frozenset(
    [
        *(torch.rand, torch.randn, torch.randint, torch.randperm, torch.normal, torch.bernoulli),
        *(Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_, Tensor.random_),
        *(Tensor.exponential_, Tensor.log_normal_, Tensor.cauchy_, Tensor.geometric_),
        # These hand themselves to a mode, which is off while they run: what they call would not come here.
        *(init.uniform_, init.normal_, init.kaiming_uniform_),
    ]
)


class SeededDraws(TorchFunctionMode):
    """Within this context, torch draws on the CPU from a generator that no other thread uses.

    The numbers are those after ``torch.manual_seed``. The global generator is neither used nor changed.

    Args:
        seed: of the generator.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return what a function returns, with this generator if it draws."""
        kwargs = kwargs or {}
        if func in _DRAWS:
            kwargs = {**kwargs, "generator": self._generator}
        return func(*args, **kwargs)
