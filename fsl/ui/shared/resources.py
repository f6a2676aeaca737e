"""What all sessions share: loaded checkpoints, and torch itself, warmed up in the background."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import fsl
from fsl.base.errors import CheckpointError
from fsl.config import TIMM
from fsl.ui.shared import core

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint

_LOG = logging.getLogger(__name__)
_PREFERRED = ("photos", "fruits")

COMPUTE = threading.Lock()
"""Held while a network computes: two sessions' torch threads on the same cores slow each other down."""


@dataclass(frozen=True)
class Choice:
    """A network one can choose.

    Attributes:
        name: of the checkpoint, or "timm:NAME".
        title: what it is for.
        path: its file; none for a network of timm.
        notice: what everybody who uses it is told, "" for nothing.
    """

    name: str
    title: str
    path: Path | None
    notice: str = ""

    @property
    def label(self) -> str:
        """Name and title, as lists show it; plain text."""
        return f"{self.name}: {self.title}" if self.title else self.name


@dataclass
class WarmUp:
    """The background import of torch.

    Attributes:
        done: set when it is over.
        device: one phrase on what computes, "" if that failed.
    """

    done: threading.Event
    device: str = ""


def choices() -> list[Choice]:
    """The installed checkpoints that can be read, the default one first.

    Raises:
        CheckpointError: there is none.
    """
    found, faults = [], []
    for name, path in core.available().items():
        try:
            info = core.read_info(path)
            found.append(Choice(name, info.title, path, info.notice))
        except CheckpointError as error:
            _LOG.warning("Checkpoint left out: %s", error)
            faults.append(str(error))
    if not found:
        raise CheckpointError(_no_checkpoint(faults))
    return sorted(found, key=lambda c: (_PREFERRED.index(c.name) if c.name in _PREFERRED else 9, c.name))


def find_choice(name: str, installed: list[Choice]) -> Choice | None:
    """The network of that name; one of timm's needs no file here. None where it is not installed."""
    if name.startswith(TIMM):
        return Choice(name, "", None)
    return next((choice for choice in installed if choice.name == name), None)


def offered(in_use: Choice, installed: list[Choice]) -> list[Choice]:
    """What a list of networks offers: those installed, and the one in use, which may be one of timm's."""
    return installed if in_use in installed else [in_use, *installed]


def not_installed(name: str, instead: str) -> str:
    """A network that was asked for, by a link say, and is not here; plain text."""
    return f"The network {name} is not installed here; {instead} is used instead."


def _no_checkpoint(faults: list[str]) -> str:
    if faults:
        return f"No trained network could be read, so nothing can be classified yet. {faults[0]}"
    return (
        "No trained network was found, so nothing can be classified yet. Put a .safetensors checkpoint into "
        "the checkpoints folder (or name its folder in FSL_CHECKPOINT_DIR) and reload this page."
    )


def load_checkpoint(choice: Choice) -> Checkpoint:
    """The checkpoint, loaded once for all sessions and again when its file changes.

    Raises:
        CheckpointError: the file is gone, damaged or unsafe.
        FslError: a network of timm cannot be had.
    """
    if choice.path is None:
        return _load_named(choice.name)
    try:
        stamp = choice.path.stat()
    except OSError as error:
        raise CheckpointError(
            f"{choice.path.name} is no longer there ({error.strerror}). Choose another network."
        ) from error
    return _load(choice.path, stamp.st_mtime_ns, stamp.st_size)


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(path: Path, modified: int, size: int) -> Checkpoint:

    checkpoint = fsl.load(str(path))
    # Networks are chosen by their file's name, whatever name the header has: a run's network, copied, is one.
    return replace(checkpoint, info=replace(checkpoint.info, name=path.stem))


@st.cache_resource(max_entries=2, show_spinner=False)
def _load_named(name: str) -> Checkpoint:

    return fsl.load(name)


def load_baseline(name: str, installed: list[Choice]) -> Checkpoint:
    """What a network has to beat (``fsl.fewshot.baselines``), made once for all sessions.

    Args:
        name: of the baseline.
        installed: the checkpoints there are; it may be made of one of them.

    Raises:
        CheckpointError: there is no such baseline, or not the checkpoint it is made of.
    """
    source = next((c.path for c in installed if c.name == name.partition(":")[2]), None)
    stamp = source.stat().st_mtime_ns if source is not None and source.is_file() else 0
    return _baseline(name, stamp)


@st.cache_resource(max_entries=4, show_spinner=False)
def _baseline(name: str, modified: int) -> Checkpoint:

    return core.baseline(name)


@st.cache_resource(show_spinner=False)
def warm_up() -> WarmUp:
    """Import torch in the background, once; pages call this after their first paint."""
    state = WarmUp(threading.Event())
    threading.Thread(target=_warm_up, args=(state,), name="warm-up", daemon=True).start()
    return state


def _warm_up(state: WarmUp) -> None:
    try:
        import_module("fsl.fewshot.classify")
        state.device = core.describe_device(core.choose_device())
    except Exception:
        _LOG.exception("Torch could not be loaded")
        raise
    finally:
        state.done.set()
