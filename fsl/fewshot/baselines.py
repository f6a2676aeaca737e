"""Baselines that a trained twin has to beat. They are checkpoints, so they work wherever checkpoints do.

- ``pixels``: the nearest neighbour by pixels;
- ``untrained:NAME``: the network of that checkpoint with random weights;
- ``cosine:NAME``: its backbone alone, comparing embeddings by their cosine, without anything that was fitted.
  What belongs to the architecture stays, such as square roots and half-way features of several backbones side
  by side (``fsl.twin.backbones.build.SideBySide``).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from fsl.base.errors import CheckpointError
from fsl.config import COSINE, PIXELS, UNTRAINED, Device, ModelConfig, Rule
from fsl.twin.checkpoint import Checkpoint, from_twin, load
from fsl.twin.checkpoint_files import find
from fsl.twin.device import choose_device
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork, seeded_network

_SEED = 0


def is_baseline(name: str) -> bool:
    """Return whether ``name`` is the name of a baseline."""
    return name == PIXELS or name.startswith((UNTRAINED, COSINE))


def baseline(name: str, device: Device = "auto") -> Checkpoint:
    """Load a baseline by name.

    Args:
        name: "pixels", "untrained:NAME|FILE" or "cosine:NAME|FILE".

    Raises:
        CheckpointError: it is not one of these, or the checkpoint does not exist.
        SettingsError: the device is not available.
    """
    place = choose_device(device)
    if name == PIXELS:
        return _placed(pixel_neighbours(), place)
    for prefix, build in ((UNTRAINED, untrained), (COSINE, plain_cosine)):
        if name.startswith(prefix):
            return _placed(build(load(find(name.removeprefix(prefix)))), place)
    raise CheckpointError(
        f"There is no baseline {name!r}; there are pixels, untrained:CHECKPOINT and cosine:CHECKPOINT."
    )


def pixel_neighbours() -> Checkpoint:
    """Return the baseline of nearest neighbours by the mean absolute difference of 16x16 pixels."""
    model = ModelConfig(backbone="pixels", image_size=32)
    return _checkpoint(TwinNetwork(model), PIXELS, "nearest neighbour by pixels, no network", "max")


def untrained(checkpoint: Checkpoint) -> Checkpoint:
    """Return the same architecture with seeded random weights.

    A network that was fine-tuned never was in this state.
    """
    twin = seeded_network(checkpoint.info.model, _SEED)
    name = checkpoint.info.name
    return _checkpoint(twin, f"{UNTRAINED}{name}", f"the network of {name} untrained", checkpoint.info.rule)


def plain_cosine(checkpoint: Checkpoint) -> Checkpoint:
    """Return the backbone alone, comparing queries with mean embeddings by their cosine."""
    model = replace(
        checkpoint.info.model,
        head="cosine",
        damped=0,
        adapter=0,
        centre_on_support=False,
        damp_on_support=False,
        support_views=1,
    )
    twin = seeded_network(model, _SEED)  # its random weights are replaced
    twin.backbone.load_state_dict(checkpoint.twin.backbone.state_dict())
    name = checkpoint.info.name
    return _checkpoint(twin, f"{COSINE}{name}", f"the backbone of {name}, plain cosine", "prototype")


def _checkpoint(twin: TwinNetwork, name: str, title: str, rule: Rule) -> Checkpoint:
    return from_twin(twin, CheckpointInfo(name, twin.config, title=title, rule=rule))


def _placed(checkpoint: Checkpoint, device: torch.device) -> Checkpoint:
    checkpoint.twin.to(device)
    return checkpoint
