"""Checkpoint files without their weights: where they are, and their headers. Imports no torch."""

from __future__ import annotations

import json
import os
from pathlib import Path

import safetensors
from platformdirs import user_data_path

from fsl.base.errors import CheckpointError
from fsl.base.files import open_plain
from fsl.base.shipped import IS_INSTALLED, shipped_path
from fsl.twin.header import CheckpointInfo

SUFFIX = ".safetensors"
METADATA_KEY = "few_shot_lab"
CHECKPOINT_DIR = shipped_path("checkpoints")
_GET_AGAIN = "Get the file again."
# The largest that ships has 44 KB; as objects a header takes up to thirty times its size.
_MOST_HEADER_BYTES = 4 * 2**20
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")


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


def read_info(path: Path) -> CheckpointInfo:
    """Read the header alone, without the weights.

    Raises:
        CheckpointError: the file does not exist, or is not a checkpoint of this project.
    """
    _refuse_unreadable(path)
    try:
        with safetensors.safe_open(path, framework="np") as file:
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


def _refuse_unreadable(path: Path) -> None:
    try:
        with open_plain(path) as file:
            start = file.read(16)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    if start.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            f"{path.name} is a pickle (a .pt or .pth file, whatever its name says). Opening it could run "
            "somebody's code, so it is refused; use a .safetensors file."
        )
    header_bytes = int.from_bytes(start[:8], "little")
    if header_bytes > _MOST_HEADER_BYTES:
        raise CheckpointError(
            f"{path.name} is damaged or not a safetensors file: its header has {header_bytes:,} bytes, "
            f"and at most {_MOST_HEADER_BYTES:,} are read. {_GET_AGAIN}"
        )
