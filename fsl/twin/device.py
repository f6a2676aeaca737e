"""Which device computes, and at which precision. The number of threads is torch's own (``bench threads``)."""

from __future__ import annotations

import os
import time
from functools import lru_cache

import torch
from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import Device, Precision


def choose_device(wish: Device = "auto") -> torch.device:
    """The device to compute on: cuda, then mps, then cpu where ``wish`` is "auto".

    From then on a CUDA device computes its convolutions in full precision: TF32, its own default, rounds
    nearly as coarsely as bf16, and embeddings and the limits measured on them are to agree between machines.

    Raises:
        SettingsError: the wished device is not there.
    """
    available: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wish == "auto":
        wish = next(name for name in available if available[name])
    if not available.get(wish):
        there = ", ".join(name for name, ok in available.items() if ok)
        raise SettingsError(f"Device {wish!r} is not available on this machine; there is {there}.")
    if wish == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(wish)


def describe_device(device: torch.device) -> str:
    """One phrase for people: the GPU's name, or the processor's cores and torch's threads."""
    if device.type == "cuda":
        return f"GPU: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "GPU: Apple (mps)"
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    return f"CPU: {cores} core{'s' * (cores > 1)}, {threads} thread{'s' * (threads > 1)}"


def autocast(device: torch.device, bf16: bool) -> torch.autocast:
    """A context in which convolutions run in bf16 (or, off, in the weights' own precision)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


def _seconds_of_step(model: nn.Module, images: torch.Tensor, bf16: bool) -> float:
    start = time.perf_counter()
    with autocast(images.device, bf16):
        loss = model(images).float().square().mean()
    torch.autograd.backward(loss)
    model.zero_grad()
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - start


@lru_cache(maxsize=8)
def bf16_helps(device_type: str) -> bool:
    """Whether a training step of a small CNN is at least a tenth faster in bf16, measured once (about 0.3 s).

    Processors without bf16 instructions emulate it and are slower; no table of them is kept here.
    """
    device = torch.device(device_type)
    if device.type == "mps":
        return False
    with torch.random.fork_rng(devices=[]):
        model = (
            nn.Sequential(
                nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)
            )
            .to(memory_format=torch.channels_last)
            .to(device)
        )
        # Drawn on the CPU, as the generators of GPUs are not put back.
        images = torch.rand(16, 3, 64, 64).to(device, memory_format=torch.channels_last)
    # In turn, and the fastest of each, so that other work on the machine slows neither more than the other.
    times = [[_seconds_of_step(model, images, bf16) for bf16 in (False, True)] for _ in range(6)]
    fp32, bf16 = (min(column) for column in zip(*times[1:], strict=True))  # the first ones allocate
    return bool(bf16 < 0.9 * fp32)


def use_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bf16: as wished, or for "auto" as measured."""
    return bf16_helps(device.type) if precision == "auto" else precision == "bf16"
