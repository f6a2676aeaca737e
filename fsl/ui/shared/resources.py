"""What all sessions share: the networks, and torch, which is loaded in the background."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import fsl
from fsl.base.errors import CheckpointError, FslError
from fsl.base.memory import keep_freed_memory, use_one_arena
from fsl.config import TIMM
from fsl.data.images.workers import start_ahead
from fsl.ui.shared import core

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint

_LOG = logging.getLogger(__name__)
_WARM_UP_AFTER = 3.0  # seconds after the server has started
_PREFERRED = ("photos", "fruits")

COMPUTE = threading.Lock()
"""Held while a network computes, because torch threads of two sessions slow each other down."""
_MANY = 100


@dataclass(frozen=True)
class Choice:
    """A network to choose.

    Attributes:
        name: name of the checkpoint, or "timm:NAME".
        title: what the network is for.
        path: file of the checkpoint; None for a network of timm.
        notice: a notice to everyone who uses it, "" for none.
        finds_faces: whether it looks for the faces of a picture and compares those.
    """

    name: str
    title: str
    path: Path | None
    notice: str = ""
    finds_faces: bool = False

    @property
    def label(self) -> str:
        """Name and title as lists show them, plain text; a title that begins with the name is shortened."""
        title = self.title.removeprefix(f"{self.name.capitalize()}: ")
        return f"{self.name}: {title}" if title else self.name


@dataclass
class WarmUp:
    """The import of torch in the background.

    Attributes:
        done: set when the import has ended, with or without success.
        device: description of the computing device, "" if the import failed.
    """

    done: threading.Event
    device: str = ""


def compute_on(n_pictures: int) -> AbstractContextManager[object]:
    """Return the lock to hold while comparing embeddings: none for few, which takes a millisecond."""
    return COMPUTE if n_pictures > _MANY else nullcontext()


def choices() -> list[Choice]:
    """Return the installed networks that can be read, the default one first.

    Raises:
        CheckpointError: no network can be read.
    """
    found, faults = [], []
    for name, path in core.available().items():
        try:
            found.append(_choice(name, path, path.stat().st_mtime_ns))
        except OSError:
            continue  # deleted just now
        except CheckpointError as error:
            _LOG.warning("Checkpoint left out: %s", error)
            faults.append(str(error))
    if not found:
        raise CheckpointError(_no_checkpoint(faults))
    return sorted(found, key=lambda c: (_PREFERRED.index(c.name) if c.name in _PREFERRED else 9, c.name))


@lru_cache(maxsize=256)
def _choice(name: str, path: Path, modified: int) -> Choice:
    info = core.read_info(path)
    return Choice(name, info.title, path, info.notice, info.model.fit == "face")


def find_choice(name: str, installed: list[Choice]) -> Choice | None:
    """Return the network of that name, or None if it is not installed; timm's need no installing."""
    if name.startswith(TIMM):
        return Choice(name, "", None)
    return next((choice for choice in installed if choice.name == name), None)


def offered(in_use: Choice, installed: list[Choice]) -> list[Choice]:
    """Return the networks of a list: those installed and the one in use, which may be one of timm."""
    return installed if in_use in installed else [in_use, *installed]


def not_installed(name: str, instead: str) -> str:
    """Return a sentence about a requested network that is not installed, plain text."""
    return f"The network {name} is not installed here; {instead} is used instead."


def _no_checkpoint(faults: list[str]) -> str:
    if faults:
        return f"No trained network could be read, so nothing can be classified. {faults[0]}"
    return (
        "No trained network was found, so nothing can be classified. Put a .safetensors checkpoint into the "
        "checkpoints folder (or set FSL_CHECKPOINT_DIR to its folder) and reload this page."
    )


def load_checkpoint(choice: Choice) -> Checkpoint:
    """Load a checkpoint once for all sessions, and again when its file changes.

    Raises:
        CheckpointError: the file is gone, damaged or unsafe.
        FslError: a network of timm cannot be downloaded.
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
    # People choose a network by the name of its file; the header of a copied file may have another name.
    return replace(checkpoint, info=replace(checkpoint.info, name=path.stem))


@st.cache_resource(max_entries=2, show_spinner=False)
def _load_named(name: str) -> Checkpoint:
    return fsl.load(name)


def load_baseline(name: str, installed: list[Choice]) -> Checkpoint:
    """Make a baseline (``fsl.fewshot.baselines``) once for all sessions.

    Args:
        name: name of the baseline.
        installed: the installed networks; the baseline may be made of one of them.

    Raises:
        CheckpointError: the baseline, or the checkpoint it is made of, does not exist.
    """
    source = next((c.path for c in installed if c.name == name.partition(":")[2]), None)
    stamp = source.stat().st_mtime_ns if source is not None and source.is_file() else 0
    return _baseline(name, stamp)


@st.cache_resource(max_entries=4, show_spinner=False)
def _baseline(name: str, modified: int) -> Checkpoint:
    return core.baseline(name)


@st.cache_resource(show_spinner=False)
def prepare_process() -> None:
    """Set what must be set before torch is loaded and threads start; once for all sessions."""
    use_one_arena()
    keep_freed_memory()
    # Otherwise torch's threads spin for a while after each batch and take the cores from the next task.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@st.cache_resource(show_spinner=False)
def warm_up() -> WarmUp:
    """Import torch, load the default network and start a decoder, once for all sessions.

    Pages call this after their first paint.
    """
    state = WarmUp(threading.Event())
    threading.Thread(target=_warm_up, args=(state,), name="warm-up", daemon=True).start()
    return state


def warm_up_soon() -> None:
    """Import torch even if nobody comes, but not while a first visitor may be waiting for the first page."""
    timer = threading.Timer(_WARM_UP_AFTER, warm_up)
    timer.daemon = True
    timer.start()


def _warm_up(state: WarmUp) -> None:
    prepare_process()
    try:
        import_module("fsl.fewshot.classify")
        state.device = core.describe_device(core.choose_device())
    except Exception:
        _LOG.exception("Torch could not be loaded")
        raise
    finally:
        state.done.set()
    # The first answer then waits for neither the network's file nor its engine.
    with suppress(FslError):
        core.session_of(load_checkpoint(choices()[0]).twin)
    start_ahead()  # last: only unusual files need a decoder, and the first answer needs the processor
