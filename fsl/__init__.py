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
_LOADED_ON_FIRST_USE = {
    "SupportSet": "fsl.fewshot.support",
    "classify": "fsl.fewshot.classify",
    "load": "fsl.twin.load",
}

if TYPE_CHECKING:
    from fsl.fewshot.classify import classify
    from fsl.fewshot.support import SupportSet
    from fsl.twin.load import load


def __getattr__(name: str) -> Any:
    if name not in _LOADED_ON_FIRST_USE:
        raise AttributeError(f"module 'fsl' has no attribute {name!r}")
    value = getattr(import_module(_LOADED_ON_FIRST_USE[name]), name)
    globals()[name] = value
    return value
