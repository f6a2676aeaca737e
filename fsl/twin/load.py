"""Load a network by its name or file, or a pretrained one of timm."""

from __future__ import annotations

from pathlib import Path

from fsl.config import TIMM, Device
from fsl.twin import checkpoint
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.checkpoint_files import find
from fsl.twin.device import choose_device
from fsl.twin.pretrained import pretrained_checkpoint


def load(name_or_file: str | Path, device: Device = "auto") -> Checkpoint:
    """Load a checkpoint by name ("photos") or file.

    Args:
        name_or_file: a name that ``fsl checkpoints`` lists, a ``.safetensors`` file, or "timm:NAME" for a
            pretrained network of timm, which is an extra to install. Its weights are downloaded once.
        device: "cuda", "mps", "cpu", or "auto" for the first of these that there is.

    Raises:
        CheckpointError: there is no such checkpoint, or the file is damaged or unsafe.
        SettingsError: the device is not available.
        FslError: the weights of a network of timm cannot be downloaded.
    """
    name_or_file = str(name_or_file)
    if name_or_file.startswith(TIMM):
        return pretrained_checkpoint(name_or_file, choose_device(device))
    return checkpoint.load(find(name_or_file), choose_device(device))
