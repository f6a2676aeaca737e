"""The state of a training run: everything that changes while it trains, saved and loaded without pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from fsl.base.errors import CheckpointError, DataError
from fsl.config import ModelConfig, TrainConfig
from fsl.training.distributed import SINGLE, ProcessGroup
from fsl.training.frozen_features import FrozenFeatures, frozen_features
from fsl.twin.device import choose_device, use_bf16
from fsl.twin.network import TwinNetwork, seeded_network
from fsl.twin.trainable import choose_trainable, training_mode

_TESTS = ("before", "latest", "pictures_before", "pictures_latest")


@dataclass(eq=False)
class TrainState:
    """Everything that changes while training; enough to continue as if the run had never stopped.

    Attributes:
        twin: the network being trained, in ``train`` mode; it belongs to the run.
        optimiser: the optimiser with its moments.
        sampler: draws the batches.
        generator: draws the augmentations; on the CPU.
        device: where the network is.
        bf16: whether convolutions run in bf16.
        step: number of batches done.
        seconds: training time so far.
        window: one float32 ``(4,)`` per batch since the last Step event, as ``train_step`` returns it.
        before: float64 ``(E,)``, accuracy of each episode before the first batch; empty if not requested.
        latest: float64 ``(E,)``, accuracy of each episode at the latest test; empty before the first test.
        pictures_before: float64 ``(n,)``, accuracy on each image before the first batch; likewise.
        pictures_latest: float64 ``(n,)``, accuracy on each image at the latest test; likewise.
        tested_at: number of batches done at the latest test.
        evaluated: float32 ``(n, D)``, embeddings of ``evaluation_images`` at the latest evaluation. It is
            not saved.
        group: the processes that train this network.
        features: what the frozen layers make of each image, computed once; None to run all layers in every
            batch. It is not saved.
        embed: ``twin.embed``, with gradients averaged over the process group.
    """

    twin: TwinNetwork
    optimiser: torch.optim.Optimizer
    sampler: np.random.Generator
    generator: torch.Generator
    device: torch.device
    bf16: bool
    step: int = 0
    seconds: float = 0.0
    window: list[Tensor] = field(default_factory=list)
    before: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    latest: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    pictures_before: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    pictures_latest: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    tested_at: int = 0
    evaluated: Tensor | None = None
    group: ProcessGroup = SINGLE
    features: FrozenFeatures | None = None
    embed: Callable[[Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.embed = self.group.embedder(self.twin)


def new_state(
    config: TrainConfig, start: ModelConfig | TwinNetwork, group: ProcessGroup = SINGLE
) -> TrainState:
    """Create the state before the first batch.

    Args:
        start: an architecture to train from random weights, or a network to copy; the network itself never
            changes.
        group: the processes that train the network; each creates its state from the same settings.

    Raises:
        SettingsError: the device is not available, or no layer is left to train.
    """
    device = choose_device(config.device)
    if device.type == "cuda":
        # Otherwise cuDNN may add gradients in a different order each time, and a resumed run would diverge.
        torch.backends.cudnn.deterministic = True
    twin = start.copy() if isinstance(start, TwinNetwork) else seeded_network(start, config.seed)
    choose_trainable(twin, config.trainable)
    training_mode(twin.to(device))
    bf16 = group.any(use_bf16(config.precision, device))
    return TrainState(
        twin,
        _new_optimiser(config, twin),
        np.random.default_rng(config.seed),
        torch.Generator().manual_seed(config.seed),
        device,
        bf16,
        group=group,
        features=frozen_features(twin, config, bf16) if group.world_size == 1 else None,
    )


def _new_optimiser(config: TrainConfig, twin: TwinNetwork) -> torch.optim.Optimizer:
    parameters = [p for p in twin.parameters() if p.requires_grad]
    if config.optimiser == "adam":
        return torch.optim.Adam(parameters, config.learning_rate)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    return torch.optim.SGD(parameters, config.learning_rate, momentum=0.9, weight_decay=config.weight_decay)


def dump_state(state: TrainState) -> bytes:
    """Return the state as the bytes of a safetensors file."""
    tensors: dict[str, Tensor] = {f"twin.{k}": v for k, v in state.twin.state_dict().items()}
    for number, values in state.optimiser.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimiser.{number}.{key}"] = torch.as_tensor(value)
    tensors["generator"] = state.generator.get_state()
    tensors |= {name: getattr(state, name) for name in _TESTS}
    if state.window:
        tensors["window"] = torch.stack(state.window)
    header = {
        "step": state.step,
        "seconds": state.seconds,
        "tested_at": state.tested_at,
        "bf16": state.bf16,
        "sampler": state.sampler.bit_generator.state,
    }
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    return safetensors.torch.save(tensors, {"state": json.dumps(header)})


def require_state(path: Path) -> None:
    """Raise a DataError if there is no saved state at ``path``."""
    if not path.is_file():
        raise DataError(f"{path.parent} holds no saved state to resume from. Start a new run.")


def load_state(path: Path, state: TrainState) -> None:
    """Load a saved state into a new one, in place.

    Args:
        path: a file written from ``dump_state``.
        state: a state that ``new_state`` created with the same settings.

    Raises:
        DataError: there is no such file.
        CheckpointError: the file is damaged or belongs to other settings.
    """
    require_state(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["state"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
        twin = {k.removeprefix("twin."): v for k, v in tensors.items() if k.startswith("twin.")}
        state.twin.load_state_dict(twin)
        _load_optimiser(state.optimiser, tensors)
        state.generator.set_state(tensors["generator"])
        for name in _TESTS:
            setattr(state, name, tensors.get(name, getattr(state, name)))
        state.tested_at = int(header.get("tested_at", header["step"]))
        window = tensors.get("window")
        state.window = [] if window is None else list(window.to(state.device))
        state.sampler.bit_generator.state = header["sampler"]
        state.step, state.seconds = int(header["step"]), float(header["seconds"])
        state.bf16 = bool(header.get("bf16", state.bf16))  # measuring again could change the numbers
        if state.features is not None:
            state.features.bf16 = state.bf16
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is damaged or belongs to a run with other settings ({error}). Start a new run."
        ) from error


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    values: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimiser."):
            _, number, key = name.split(".", 2)
            values.setdefault(int(number), {})[key] = tensor
    settings = optimiser.state_dict()
    optimiser.load_state_dict({**settings, "state": values})
