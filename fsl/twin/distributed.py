"""Several processes that compute as one, started by PyTorch's own ``torchrun``, on one machine or many.

    torchrun --nproc-per-node 2 -m fsl train --data ... --run-dir runs/mine

All processes draw the same batch from the same seed. Each embeds its share of it, the embeddings of all are
gathered, and so every process has every pair of the batch and computes the same loss: what one process with
that batch would. ``DistributedDataParallel`` brings the gradients together, NCCL between GPUs and gloo
between processors. The first process alone writes files and speaks.
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
from fsl.twin.device import choose_device
from fsl.twin.network import TwinNetwork
from fsl.twin.sync_batch_norm import sync_batch_norm

# Longer than any process makes the others wait: the first one evaluates and calibrates while they do.
TIMEOUT = timedelta(minutes=10)
Item = TypeVar("Item")


class LostTouchError(FslError):
    """Another of the processes that compute together has ended, or no longer answers."""


@dataclass(frozen=True, eq=False)
class Team:
    """The processes that compute together, as one of them sees it; by itself unless ``torchrun`` says so.

    Attributes:
        rank: which one this is, from 0; the first one writes and speaks.
        size: how many there are.
        messages: the gloo group for what is no tensor of a GPU; none for a process by itself.
    """

    rank: int = 0
    size: int = 1
    messages: dist.ProcessGroup | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def share(self, n: int) -> slice:
        """This process's part of n things in a row; the parts differ in length by one at most."""
        return slice(n * self.rank // self.size, n * (self.rank + 1) // self.size)

    def embedder(self, twin: TwinNetwork) -> Callable[[Tensor], Tensor]:
        """``twin.embed`` for training.

        In a team its gradients, and those of the head, come together in the backward pass, and batch norm
        sees the batches of all processes (``fsl.twin.sync_batch_norm``).
        """
        if self.size == 1:
            return twin.embed
        sync_batch_norm(twin)
        # Batch statistics are those of all processes, so buffers stay equal by themselves.
        shared = DistributedDataParallel(_Embed(twin), forward_sync_buffers=False)
        return cast("Callable[[Tensor], Tensor]", shared)

    def gather(self, embeddings: Tensor, n: int) -> Tensor:
        """The embeddings of the whole batch, with gradients that are right after the average over processes.

        Every process goes on to compute the same loss of all embeddings, so the gradient that reaches its
        own rows is already complete, and nothing needs to be sent back. ``DistributedDataParallel`` then
        averages over the processes what is a sum over their shares: hence the factor.

        Args:
            embeddings: float ``(len(share(n)), D)``, this process's rows.
            n: rows of the batch.

        Returns:
            float ``(n, D)``.
        """
        if self.size == 1:
            return embeddings
        most = -(-n // self.size)
        mine = F.pad(embeddings.detach(), (0, 0, 0, most - len(embeddings)))
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine)
        if embeddings.requires_grad:
            embeddings.register_hook(lambda gradient: gradient * self.size)  # type: ignore[no-untyped-call]
        shares = [Team(rank, self.size).share(n) for rank in range(self.size)]
        rows = [part[: share.stop - share.start] for part, share in zip(parts, shares, strict=True)]
        rows[self.rank] = embeddings
        return torch.cat(rows)

    def agree(self, wish: bool) -> bool:
        """Whether any of the processes wishes it; all must ask, and all get the same answer."""
        if self.size == 1:
            return wish
        wishes = torch.tensor([int(wish)])
        dist.all_reduce(wishes, dist.ReduceOp.MAX, group=self.messages)
        return bool(wishes.item())

    def collect(self, items: Sequence[Item]) -> list[Item]:
        """What all processes have, in the order of their shares; empty but on the first one."""
        if self.size == 1:
            return list(items)
        parts: list[Sequence[Item]] | None = [[] for _ in range(self.size)] if self.is_first else None
        dist.gather_object(items, parts, group=self.messages)
        return [item for part in parts or [] for item in part]


ALONE = Team()


class _Embed(nn.Module):
    """Makes ``twin.embed`` the ``forward`` that DistributedDataParallel wraps, with the head beside it."""

    def __init__(self, twin: TwinNetwork) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, images: Tensor) -> Tensor:
        return self.twin.embed(images)


@contextmanager
def join_team(device: Device = "auto", timeout: timedelta = TIMEOUT) -> Iterator[Team]:
    """Meet the other processes that ``torchrun`` started; by itself without it.

    Args:
        device: what will be computed on; of several GPUs each process of a machine takes its own.
        timeout: how long another process may keep this one waiting.

    Yields:
        the team.

    Raises:
        SettingsError: the device is not there, or is none for several processes.
        LostTouchError: another process has ended, or kept this one waiting for too long.
    """
    size = int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1
    if size == 1:
        yield ALONE
        return
    chosen = choose_device(device)
    if chosen.type == "mps":
        raise SettingsError("Several processes cannot share Apple's GPU; compute on the cores: --device cpu.")
    if chosen.type == "cuda":
        _take_own_gpu(int(os.environ.get("LOCAL_RANK", "0")))
    try:
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=timeout)
        messages = cast(dist.ProcessGroup, dist.new_group(backend="gloo", timeout=timeout))
        yield Team(dist.get_rank(), size, messages)
    except RuntimeError as error:
        if not _is_lost_touch(error):
            raise
        raise LostTouchError(
            "Another of the processes that compute together has ended or does not answer, so this one ends "
            "too. A run folder keeps what was saved last: go on with the same command and --resume. "
            f"({_first_line(error)})"
        ) from error
    else:
        dist.destroy_process_group()


def _take_own_gpu(local_rank: int) -> None:
    there = torch.cuda.device_count()
    if local_rank >= there:
        raise SettingsError(
            f"This machine has {there} GPUs, too few for its processes. Start at most that many "
            "(torchrun --nproc-per-node), or compute on the cores: --device cpu."
        )
    torch.cuda.set_device(local_rank)


def _is_lost_touch(error: RuntimeError) -> bool:
    words = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in words for word in ("gloo", "nccl", "tcpstore"))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
