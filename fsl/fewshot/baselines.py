"""What a trained twin has to beat, as checkpoints of their own, so that everything takes them alike.

- ``pixels``: the nearest neighbour by the pictures' own pixels;
- ``untrained:NAME``: the network of that checkpoint with random weights;
- ``cosine:NAME``: its backbone alone, the cosine of two embeddings and nothing that was fitted after it. What
  belongs to the architecture stays: of several networks side by side, square roots and features of half-way
  through (``fsl.twin.backbones.build.SideBySide``).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from fsl.base.errors import CheckpointError
from fsl.config import COSINE, PIXELS, UNTRAINED, Device, ModelConfig, Rule
from fsl.twin.checkpoint import Checkpoint, find, from_twin, load
from fsl.twin.device import choose_device
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork, seeded_network

_SEED = 0


def is_baseline(name: str) -> bool:
    """Whether ``name`` is one of the names above rather than that of a checkpoint."""
    return name == PIXELS or name.startswith((UNTRAINED, COSINE))


def baseline(name: str, device: Device = "auto") -> Checkpoint:
    """The baseline of that name.

    Args:
        name: "pixels", "untrained:NAME|FILE" or "cosine:NAME|FILE".
        device: where it computes.

    Raises:
        CheckpointError: it is none of these, or there is no such checkpoint.
        SettingsError: the device is not there.
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
    """Nearest neighbours by the mean absolute difference of pixels, at 16x16."""
    model = ModelConfig(backbone="pixels", image_size=32)
    return _checkpoint(TwinNetwork(model), PIXELS, "nearest neighbour by pixels, no network", "max")


def untrained(checkpoint: Checkpoint) -> Checkpoint:
    """The same architecture with random weights, always the same ones: before it learns anything.

    A network that was trained from others' weights never was in this state.
    """
    twin = seeded_network(checkpoint.info.model, _SEED)
    name = checkpoint.info.name
    return _checkpoint(twin, f"{UNTRAINED}{name}", f"the network of {name} untrained", checkpoint.info.rule)


def plain_cosine(checkpoint: Checkpoint) -> Checkpoint:
    """The backbone's own embeddings, compared with a class's mean embedding by their cosine."""
    model = replace(checkpoint.info.model, head="cosine", damped=0, centre_on_support=False, support_views=1)
    twin = seeded_network(model, _SEED)  # random weights are drawn, and replaced
    twin.backbone.load_state_dict(checkpoint.twin.backbone.state_dict())
    name = checkpoint.info.name
    return _checkpoint(twin, f"{COSINE}{name}", f"the backbone of {name}, plain cosine", "prototype")


def _checkpoint(twin: TwinNetwork, name: str, title: str, rule: Rule) -> Checkpoint:
    return from_twin(twin, CheckpointInfo(name, twin.config, title=title, rule=rule))


def _placed(checkpoint: Checkpoint, device: torch.device) -> Checkpoint:
    checkpoint.twin.to(device)
    return checkpoint
