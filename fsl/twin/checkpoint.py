"""Checkpoint files: one ``.safetensors`` file with everything needed to use the network.

Weights are tensors; the rest is one JSON object under the key ``few_shot_lab`` of the file's metadata.
Never pickle: opening somebody else's file must not run code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from fsl.base.errors import CheckpointError
from fsl.base.files import write_atomically
from fsl.base.text import listed
from fsl.twin.checkpoint_files import METADATA_KEY, read_info
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained twin network and its header.

    Attributes:
        twin: in ``eval`` mode.
        info: the header.
        digest: sha256 of the file, or of the bytes it would have; the key of caches.
    """

    twin: TwinNetwork
    info: CheckpointInfo
    digest: str


def dump(twin: TwinNetwork, info: CheckpointInfo, half: bool = False) -> bytes:
    """Return the bytes of a checkpoint file.

    Args:
        twin: the network.
        info: its header.
        half: store weights in half precision, which halves the file; loading converts them to full
            precision. Vectors (norms, biases, heads) are small and stay in full precision.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in twin.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.ndim >= 2 else t for name, t in tensors.items()}
    return safetensors.torch.save(tensors, {METADATA_KEY: json.dumps(info.to_json(), sort_keys=True)})


def save(path: Path, twin: TwinNetwork, info: CheckpointInfo, half: bool = False) -> None:
    """Write a checkpoint file, whole or not at all; arguments as for ``dump``.

    Raises:
        WriteError: the disk is full or the folder cannot be written.
    """
    write_atomically(path, dump(twin, info, half))


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a checkpoint, strictly: all weights of the header's architecture, and no others.

    Raises:
        CheckpointError: as ``read_info``, or the weights do not fit; the message names them.
    """
    info = read_info(path)
    try:
        data = path.read_bytes()
        tensors = safetensors.torch.load(data)
        # Without memory for weights at first: a header may claim gigabytes that the file does not hold.
        with torch.device("meta"):
            expected = TwinNetwork(info.model).state_dict()
        _refuse_wrong_weights(path.name, expected, tensors)
        twin = TwinNetwork(info.model)
    except (safetensors.SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path.name} could not be loaded: {error}") from error
    twin.load_state_dict(tensors)
    twin.to(device).eval().requires_grad_(False)
    return Checkpoint(twin, info, hashlib.sha256(data).hexdigest())


def from_twin(twin: TwinNetwork, info: CheckpointInfo) -> Checkpoint:
    """Return a checkpoint in memory: a copy of ``twin`` in ``eval`` mode."""
    frozen = twin.copy().eval().requires_grad_(False)
    return Checkpoint(frozen, info, hashlib.sha256(dump(frozen, info)).hexdigest())


def _refuse_wrong_weights(name: str, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    missing, unexpected = set(expected) - set(found), set(found) - set(expected)
    shared = set(expected) & set(found)
    shapes = {k for k in shared if expected[k].shape != found[k].shape}
    kinds = {k for k in shared if expected[k].is_floating_point() != found[k].is_floating_point()}
    numbers = {k for k in shared - kinds if not bool(found[k].isfinite().all())}
    faults = [
        f"{label}: {listed(sorted(keys))}"
        for label, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", shapes),
            ("of another kind of number", kinds),
            ("not finite", numbers),
        )
        if keys
    ]
    if faults:
        raise CheckpointError(f"{name} does not fit its own header; weights {'; '.join(faults)}.")
