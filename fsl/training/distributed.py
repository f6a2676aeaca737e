"""Several processes that compute as one, started by PyTorch's ``torchrun`` on one machine or many.

    torchrun --nproc-per-node 2 -m fsl train --data ... --run-dir runs/mine

All processes draw the same batch from the same seed. Each embeds its share of the batch, and the embeddings
of all are gathered. So every process has every pair of the batch and computes the same loss as a single
process would. ``DistributedDataParallel`` averages the gradients, through NCCL between GPUs and gloo between
CPUs. Only the process of rank 0 writes files and prints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from fsl.base.errors import FslError, SettingsError
from fsl.config import Device
from fsl.data.loading import share_of
from fsl.training.sync_batch_norm import sync_batch_norm
from fsl.twin.device import choose_device
from fsl.twin.network import TwinNetwork

# The other processes wait while rank 0 evaluates and calibrates, which takes less than this.
TIMEOUT = timedelta(minutes=10)
Item = TypeVar("Item")


class LostProcessError(FslError):
    """Another process of the group has ended or no longer answers."""


@dataclass(frozen=True, eq=False)
class ProcessGroup:
    """The processes that compute together, as one of them sees it.

    Attributes:
        rank: number of this process, from 0.
        world_size: number of processes.
        cpu_group: the gloo group that carries everything but GPU tensors; None for a single process.
    """

    rank: int = 0
    world_size: int = 1
    cpu_group: dist.ProcessGroup | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process of rank 0, which writes files and prints."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """Return this process's share of n consecutive items; shares differ in length by one at most."""
        return share_of(n, (self.rank, self.world_size))

    def embedder(self, twin: TwinNetwork) -> Callable[[Tensor], Tensor]:
        """Return ``twin.embed`` for training.

        With several processes the backward pass averages its gradients and those of the head, and batch norm
        uses the statistics of all processes (``fsl.training.sync_batch_norm``).
        """
        if self.world_size == 1:
            return twin.embed
        sync_batch_norm(twin)
        # Batch statistics are those of all processes, so the buffers stay equal without being sent.
        shared = DistributedDataParallel(_Embed(twin), forward_sync_buffers=False)
        return cast("Callable[[Tensor], Tensor]", shared)

    def all_gather(self, embeddings: Tensor, n: int) -> Tensor:
        """Return the embeddings of the whole batch, with gradients that are correct after averaging.

        Every process computes the same loss from all embeddings, so the gradient of its own rows is already
        complete and nothing has to be sent back. ``DistributedDataParallel`` then averages over the processes
        where a sum is needed; the gradients are scaled up to compensate.

        Args:
            embeddings: float ``(len(share(n)), D)``, this process's rows.
            n: number of rows of the batch.

        Returns:
            float ``(n, D)``.
        """
        if self.world_size == 1:
            return embeddings
        most = -(-n // self.world_size)
        mine = F.pad(embeddings.detach(), (0, 0, 0, most - len(embeddings)))
        parts = [torch.empty_like(mine) for _ in range(self.world_size)]
        dist.all_gather(parts, mine)
        if embeddings.requires_grad:
            embeddings.register_hook(lambda gradient: gradient * self.world_size)  # type: ignore[no-untyped-call]
        shares = [ProcessGroup(rank, self.world_size).share(n) for rank in range(self.world_size)]
        rows = [part[: share.stop - share.start] for part, share in zip(parts, shares, strict=True)]
        rows[self.rank] = embeddings
        return torch.cat(rows)

    def any(self, value: bool) -> bool:
        """Return whether ``value`` is true in any process; all processes must call this."""
        if self.world_size == 1:
            return value
        values = torch.tensor([int(value)])
        dist.all_reduce(values, dist.ReduceOp.MAX, group=self.cpu_group)
        return bool(values.item())

    def gather_objects(self, items: Sequence[Item]) -> list[Item]:
        """Return the items of all processes in the order of their ranks; empty except at rank 0."""
        if self.world_size == 1:
            return list(items)
        parts: list[Sequence[Item]] | None = [[] for _ in range(self.world_size)] if self.is_main else None
        dist.gather_object(items, parts, group=self.cpu_group)
        return [item for part in parts or [] for item in part]


SINGLE = ProcessGroup()


class _Embed(nn.Module):
    """Module whose ``forward`` is ``twin.embed``, for DistributedDataParallel; it includes the head."""

    def __init__(self, twin: TwinNetwork) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, images: Tensor) -> Tensor:
        return self.twin.embed(images)


@contextmanager
def join_process_group(device: Device = "auto", timeout: timedelta = TIMEOUT) -> Iterator[ProcessGroup]:
    """Join the other processes that ``torchrun`` started; without torchrun, yield a single process.

    Args:
        device: the device to compute on; each process of a machine takes a GPU of its own.
        timeout: the longest that this process waits for another one.

    Yields:
        the process group.

    Raises:
        SettingsError: the device is not available, or several processes cannot share it.
        LostProcessError: another process has ended or did not answer in time.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1
    if world_size == 1:
        yield SINGLE
        return
    chosen = choose_device(device)
    if chosen.type == "mps":
        raise SettingsError("Several processes cannot share Apple's GPU. Use the CPU: --device cpu.")
    if chosen.type == "cuda":
        _take_own_gpu(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=timeout)
        cpu_group = cast(dist.ProcessGroup, dist.new_group(backend="gloo", timeout=timeout))
        yield ProcessGroup(dist.get_rank(), world_size, cpu_group)
    except RuntimeError as error:
        if not _is_lost_process(error):
            raise
        raise LostProcessError(
            "Another of the processes that compute together has ended or does not answer, so this one ends "
            "too. The run folder keeps what was saved last: repeat the command with --resume. "
            f"({_first_line(error)})"
        ) from error
    else:
        dist.destroy_process_group()


def _take_own_gpu(local_rank: int) -> None:
    there = torch.cuda.device_count()
    if local_rank >= there:
        raise SettingsError(
            f"This machine has {there} GPUs, too few for its processes. Start at most that many "
            "(torchrun --nproc-per-node), or use the CPU: --device cpu."
        )
    torch.cuda.set_device(local_rank)


def _is_lost_process(error: RuntimeError) -> bool:
    words = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in words for word in ("gloo", "nccl", "tcpstore"))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
