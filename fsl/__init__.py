"""Few-Shot Lab: classify, compare and explore images from a few examples with a twin network.

>>> import fsl
>>> twin = fsl.load("photos")
>>> support = fsl.SupportSet.from_folder("my_classes")
>>> for answer in fsl.classify(twin, support, ["query.jpg"]):
...     print(answer.label, answer.probability)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["SupportSet", "__version__", "classify", "load"]
# They import torch, which takes seconds: a page that shows no network yet must not wait for it.
_LOADED_ON_FIRST_USE = {"classify": "fsl.fewshot.classify", "SupportSet": "fsl.fewshot.support"}

if TYPE_CHECKING:
    from fsl.fewshot.classify import classify
    from fsl.fewshot.support import SupportSet
    from fsl.twin.checkpoint import Checkpoint


def load(name_or_file: str, device: str = "auto") -> Checkpoint:
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
    from typing import cast

    from fsl.config import TIMM, Device
    from fsl.twin.checkpoint import find
    from fsl.twin.checkpoint import load as load_file
    from fsl.twin.device import choose_device
    from fsl.twin.pretrained import pretrained_checkpoint

    if name_or_file.startswith(TIMM):
        return pretrained_checkpoint(name_or_file, choose_device(cast("Device", device)))
    return load_file(find(name_or_file), choose_device(cast("Device", device)))


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module 'fsl' has no attribute {name!r}")
    value = getattr(import_module(_LOADED_ON_FIRST_USE[name]), name)
    globals()[name] = value
    return value
