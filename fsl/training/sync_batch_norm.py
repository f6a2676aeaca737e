"""Batch norm over the batches of several processes, so that they train as one process would.

On GPUs PyTorch's ``SyncBatchNorm`` does this. It does not support CPUs, so there is a version for them here.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def sync_batch_norm(model: nn.Module) -> None:
    """Replace every ``BatchNorm2d`` in place, keeping names, parameters and statistics.

    Subclasses (timm has some) are left as they are: each process then uses the statistics of its own share.
    """
    for name, child in model.named_children():
        if type(child) is not nn.BatchNorm2d or not child.affine:
            sync_batch_norm(child)
        elif child.weight.is_cuda:
            setattr(model, name, nn.SyncBatchNorm.convert_sync_batchnorm(child))  # type: ignore[no-untyped-call]
        else:
            setattr(model, name, SyncedBatchNorm2d.of(child))


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """``BatchNorm2d`` with statistics over the images of all processes."""

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> SyncedBatchNorm2d:
        """Return the same layer, sharing its parameters and statistics."""
        synced = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        synced._parameters, synced._buffers = norm._parameters, norm._buffers
        return synced.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)``; B may differ between processes."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        count = values.new_tensor([values.numel() / values.shape[1]])
        sums = sum_over_processes(torch.cat([values.sum((0, 2, 3)), count]))
        n = sums[-1].detach()
        mean = sums[:-1] / n
        centred = values - mean[:, None, None]
        variance = sum_over_processes(centred.square().sum((0, 2, 3))) / n
        self._remember(mean.detach(), (variance * n / (n - 1)).detach())
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance, weight)


def sum_over_processes(values: Tensor) -> Tensor:
    """Return the sum of the values of all processes; the gradient is the sum of their gradients."""
    return _SumOverProcesses.apply(values)  # type: ignore[no-any-return]


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total
