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
from torch import Tensor, nn

from fsl.base.errors import CheckpointError
from fsl.base.files import write_atomically
from fsl.base.text import listed
from fsl.twin.checkpoint_files import METADATA_KEY, read_info
from fsl.twin.header import CheckpointInfo
from fsl.twin.layer_sizes import SizesOnly
from fsl.twin.network import TwinNetwork

# The widest layer of a network that learns here has 64 channels at 512 x 512 pixels.
_MOST_LAYER_VALUES = 2**24
_LARGEST_WEIGHT = 1e10


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
        # Without memory for weights at first: a header may claim gigabytes that the file does not hold, and
        # the file may hold gigabytes that belong to no network.
        with torch.device("meta"):
            twin = TwinNetwork(info.model).eval()
        expected = twin.state_dict()
        _refuse_wrong_weights(path, expected)
        _refuse_wide_layers(path.name, twin)
        data = path.read_bytes()
        tensors = safetensors.torch.load(data)
        values = {name: tensor.to(expected[name].dtype) for name, tensor in tensors.items()}
        _refuse_numbers(path.name, values)
        twin.load_state_dict(values, assign=True)
        if any(tensor.is_meta for tensor in twin.buffers()):  # one that no file holds
            twin = TwinNetwork(info.model)
            twin.load_state_dict(values)
    except (safetensors.SafetensorError, OSError, ValueError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path.name} could not be loaded: {error}") from error
    twin.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
    return Checkpoint(twin, info, hashlib.sha256(data).hexdigest())


def from_twin(twin: TwinNetwork, info: CheckpointInfo) -> Checkpoint:
    """Return a checkpoint in memory: a copy of ``twin`` in ``eval`` mode."""
    frozen = twin.copy().eval().requires_grad_(False)
    return Checkpoint(frozen, info, hashlib.sha256(dump(frozen, info)).hexdigest())


def _refuse_wrong_weights(path: Path, expected: dict[str, Tensor]) -> None:
    """Compare the names, shapes and kinds of the weights with what the header asks for; read none of them."""
    with safetensors.safe_open(path, framework="pt") as file:
        found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        shapes_found = {name: tuple(one.get_shape()) for name, one in found.items()}
        is_float = {name: "F" in one.get_dtype() for name, one in found.items()}
    shared = set(expected) & set(found)
    faults = {
        "missing": set(expected) - set(found),
        "unexpected": set(found) - set(expected),
        "of another shape": {k for k in shared if expected[k].shape != shapes_found[k]},
        "of another kind of number": {k for k in shared if expected[k].is_floating_point() != is_float[k]},
    }
    _refuse_if_any(path.name, faults)


def _refuse_numbers(name: str, tensors: dict[str, Tensor]) -> None:
    too_large = {key for key, tensor in tensors.items() if not _is_usable(tensor)}
    _refuse_if_any(name, {"not finite, or far too large": too_large})


def _is_usable(tensor: Tensor) -> bool:
    lowest, highest = tensor.aminmax()  # NaN if there is one, and then no comparison holds
    return bool(lowest > -_LARGEST_WEIGHT) and bool(highest < _LARGEST_WEIGHT)


def _refuse_if_any(name: str, faults: dict[str, set[str]]) -> None:
    told = [f"{label}: {listed(sorted(keys))}" for label, keys in faults.items() if keys]
    if told:
        raise CheckpointError(f"{name} does not fit its own header; weights {'; '.join(told)}.")


def _refuse_wide_layers(name: str, sketch: TwinNetwork) -> None:
    """Refuse a network whose layers take far more memory for one picture than any known network.

    Few weights can make a layer of gigabytes: it is as wide as they say, at each pixel of the picture.

    Args:
        name: of the file.
        sketch: the network without memory for weights; its layers' sizes are measured.
    """
    largest = 0

    def note_size(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.numel())

    side = sketch.config.image_size
    hooks = [module.register_forward_hook(note_size) for module in sketch.modules()]
    with torch.no_grad(), SizesOnly():
        sketch.backbone(torch.zeros(1, 3, side, side, device="meta"))
    for hook in hooks:
        hook.remove()
    if largest > _MOST_LAYER_VALUES:
        raise CheckpointError(
            f"{name} is refused: one of its layers has {largest:,} values for each picture; at most "
            f"{_MOST_LAYER_VALUES:,} are computed."
        )
