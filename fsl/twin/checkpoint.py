"""Checkpoint files: one ``.safetensors`` file with everything needed to use the network.

Weights are tensors; the rest is one JSON object under the key ``few_shot_lab`` of the file's metadata.
Never pickle: opening somebody else's file must not run code.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from platformdirs import user_data_path
from torch import Tensor

from fsl.base.errors import CheckpointError
from fsl.base.files import write_atomically
from fsl.base.shipped import IS_INSTALLED, shipped_path
from fsl.base.text import listed
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork

SUFFIX = ".safetensors"
METADATA_KEY = "few_shot_lab"
CHECKPOINT_DIR = shipped_path("checkpoints")
_GET_AGAIN = "Get the file again."
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


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


def read_info(path: Path) -> CheckpointInfo:
    """Read the header alone, without the weights.

    Raises:
        CheckpointError: the file does not exist, or is not a checkpoint of this project.
    """
    _refuse_unreadable(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} is damaged or not a safetensors file ({error}).") from error
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path.name} is a safetensors file without this project's header, so its architecture is "
            "unknown. Use a checkpoint written by this project."
        )
    try:
        header = json.loads(metadata[METADATA_KEY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} has a damaged header ({error}). {_GET_AGAIN}") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path.name} has a damaged header (no JSON object). {_GET_AGAIN}")
    return CheckpointInfo.from_json(header, path.name)


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


def _refuse_unreadable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            f"{path.name} is a pickle (a .pt or .pth file, whatever its name says). Opening it could run "
            "somebody's code, so it is refused; use a .safetensors file."
        )


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


def user_folder() -> Path:
    """Return the folder where a user's checkpoints are saved.

    ``FSL_CHECKPOINT_DIR`` names it. By default it is ``checkpoints/saved`` in a clone of the repository; for
    an installed package, whose own folders an update replaces, it is in the user's data folder.
    """
    if named := os.environ.get("FSL_CHECKPOINT_DIR"):
        return Path(named)
    return user_data_path("few-shot-lab") / "checkpoints" if IS_INSTALLED else CHECKPOINT_DIR / "saved"


def available(folder: Path | None = None) -> dict[str, Path]:
    """Return the checkpoint files by name.

    Args:
        folder: where to look; by default in ``FSL_CHECKPOINT_DIR``, or among those that ship and those that
            the user saved.
    """
    default = [user_folder()] if os.environ.get("FSL_CHECKPOINT_DIR") else [CHECKPOINT_DIR, user_folder()]
    files = [path for place in ([folder] if folder else default) for path in sorted(place.glob(f"*{SUFFIX}"))]
    found: dict[str, Path] = {}
    for path in files:
        if not path.name.startswith("."):
            found.setdefault(path.stem, path)
    return found


def find(name_or_file: str) -> Path:
    """Return the file of a checkpoint given by name ("fruits") or by path.

    Raises:
        CheckpointError: there is neither; the message lists the names.
    """
    path = Path(name_or_file)
    if path.is_file():
        return path
    names = available()
    if name_or_file in names:
        return names[name_or_file]
    raise CheckpointError(
        f"There is no checkpoint {name_or_file!r}: neither a file nor one of "
        f"{', '.join(names) or '(none installed)'}."
    )
