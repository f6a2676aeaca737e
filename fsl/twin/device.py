"""Choose the device and the precision. Torch chooses the number of threads (``bench threads``)."""

from __future__ import annotations

import os
import time
from functools import lru_cache

import torch
from torch import nn

from fsl.base.errors import SettingsError
from fsl.config import Device, Precision
from fsl.twin.seeded_draws import SeededDraws


def choose_device(requested: Device = "auto") -> torch.device:
    """Return the device to compute on; "auto" takes cuda, then mps, then cpu.

    A CUDA device then computes convolutions in full precision. TF32, its default, rounds nearly as coarsely
    as bf16, while embeddings, and thresholds measured on them, must agree between machines.

    Raises:
        SettingsError: the requested device is not available.
    """
    available: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if requested == "auto":
        requested = next(name for name in available if available[name])
    if not available.get(requested):
        there = ", ".join(name for name, ok in available.items() if ok)
        raise SettingsError(f"Device {requested!r} is not available on this machine; there is {there}.")
    if requested == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(requested)


def describe_device(device: torch.device) -> str:
    """Return the GPU's name, or the number of cores and threads, for people to read."""
    if device.type == "cuda":
        return f"GPU: {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "GPU: Apple (mps)"
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    return f"CPU: {cores} core{'s' * (cores > 1)}, {threads} thread{'s' * (threads > 1)}"


def autocast(device: torch.device, bf16: bool) -> torch.autocast:
    """Return a context that runs convolutions in bf16, or in the weights' precision if ``bf16`` is off."""
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


def onednn_has_bf16() -> bool:
    """Return whether torch's library for processors, oneDNN, computes in bf16 on this one."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@lru_cache(maxsize=8)
def bf16_helps(device_type: str) -> bool:
    """Measure, once per process (about 0.3 s), whether training in bf16 is at least a tenth faster.

    Some processors emulate it and are slower; measuring needs no table of them. Where oneDNN does not even do
    that, as on AVX2 alone, one step takes a second or more, so nothing is measured.
    """
    device = torch.device(device_type)
    if device.type == "mps" or (device.type == "cpu" and not onednn_has_bf16()):
        return False
    with SeededDraws(0):
        model = (
            nn.Sequential(
                nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)
            )
            .to(memory_format=torch.channels_last)
            .to(device)
        )
        # Drawn on the CPU, whose generator is the seeded one.
        images = torch.rand(16, 3, 64, 64).to(device, memory_format=torch.channels_last)
    # Alternate and take the fastest of each, so that other work on the machine slows both equally.
    times = [[_seconds_of_step(model, images, bf16) for bf16 in (False, True)] for _ in range(6)]
    fp32, bf16 = (min(column) for column in zip(*times[1:], strict=True))  # the first round allocates memory
    return bool(bf16 < 0.9 * fp32)


def use_bf16(precision: Precision, device: torch.device) -> bool:
    """Return whether to compute in bf16: as requested, or as measured for "auto"."""
    return bf16_helps(device.type) if precision == "auto" else precision == "bf16"
