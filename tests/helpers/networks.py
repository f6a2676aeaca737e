"""Small untrained networks: their random features do tell plain colours apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from fsl.config import RULES, ModelConfig
from fsl.twin.checkpoint import Checkpoint, from_twin, save
from fsl.twin.header import Calibration, CheckpointInfo
from fsl.twin.network import TwinNetwork

LIMIT = 0.4


def save_small_checkpoint(folder: Path, name: str = "small") -> None:
    """Write ``<name>.safetensors`` with a calibration for each rule."""
    config = ModelConfig(widths=(8, 8), image_size=16)
    generator_state = torch.get_rng_state()
    torch.manual_seed(0)
    twin = TwinNetwork(config).eval()
    torch.set_rng_state(generator_state)
    with torch.no_grad():
        # One step of distance as far as plain colours are apart, so that equal pictures score high.
        colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]) * 4 - 2
        embedded = twin.embed(colours[:, :, None, None].expand(-1, -1, 16, 16).contiguous())
        apart = (embedded[:, None] - embedded[None]).abs().mean()
        twin.head.weight.fill_(6.0 / (twin.embedding_dim * float(apart)))
        twin.head.bias.fill_(-3.0)
    calibrations = tuple(Calibration(rule, 1.0, LIMIT, 0.05, 0.1, None, "made up") for rule in RULES)
    info = CheckpointInfo(name, config, title="colours", calibrations=calibrations)
    save(folder / f"{name}.safetensors", twin, info)


def checkpoint(*calibrations: Calibration, **settings: Any) -> Checkpoint:
    """Return a checkpoint of an untrained network, in memory; ``settings`` are those of its model."""
    model = ModelConfig(**{"widths": (4, 4, 4, 4), "image_size": 16, **settings})
    torch.manual_seed(0)
    return from_twin(TwinNetwork(model), CheckpointInfo("test", model, calibrations=calibrations))


def small_twin(head: str = "absolute") -> TwinNetwork:
    """Return an untrained network with embeddings of 8 numbers."""
    torch.manual_seed(0)
    config = ModelConfig(widths=(4, 8), embedding_dim=8, image_size=16, head=head)  # type: ignore[arg-type]
    return TwinNetwork(config).eval()
