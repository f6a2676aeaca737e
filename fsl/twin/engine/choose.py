"""Choose the engine of a network: ONNX Runtime for frozen networks on the processor, torch for all others.

``FSL_ENGINE=torch`` turns ONNX Runtime off.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import chain
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from fsl.config import TIMM
from fsl.twin.engine.onnx_graph import CannotBeWrittenError, write_onnx
from fsl.twin.engine.session import Session
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import normalise, to_unit

_LOG = logging.getLogger(__name__)
TOLERANCE = 1e-4
"""The most that embeddings of the two engines may differ, as a share of their length."""


@dataclass(frozen=True)
class _Made:
    """What was found out about a network, or its backbone alone.

    Attributes:
        state: of its weights at that time.
        session: its engine; None to use torch.
    """

    state: Hashable
    session: Session | None


_made: WeakKeyDictionary[nn.Module, _Made] = WeakKeyDictionary()
_of_the_parent: list[_Made] = []
_lock = threading.Lock()
_told: set[str] = set()


def session_of(twin: TwinNetwork) -> Session | None:
    """Return the network's session of ONNX Runtime, which is made at the first call; None for torch.

    A network whose weights were changed since gets another one, and so does one that may use more threads.
    """
    is_frozen = not twin.training and _is_frozen(twin.backbone, twin.adapter, twin.damping)
    return _session(twin, twin, twin.embed) if is_frozen else None


def session_of_backbone(twin: TwinNetwork) -> Session | None:
    """Return a session of the backbone alone, in ``eval`` mode; as ``session_of``.

    For a run that trains what comes after the backbone.
    """
    return _session(twin, twin.backbone, twin.backbone) if _is_frozen(twin.backbone) else None


def _session(twin: TwinNetwork, part: nn.Module, embed: Callable[[Tensor], Tensor]) -> Session | None:
    if _is_off():
        return None
    n_threads, state = torch.get_num_threads(), _state(part)
    with _lock:
        made = _made.get(part)
        if made is None or made.state != state or (made.session and made.session.n_threads < n_threads):
            made = _made[part] = _Made(state, _make(twin, embed, n_threads))
        return made.session


def _is_off() -> bool:
    return os.environ.get("FSL_ENGINE", "").lower() == "torch"


def _is_frozen(*modules: nn.Module) -> bool:
    tensors = chain.from_iterable(chain(module.parameters(), module.buffers()) for module in modules)
    return all(
        t.device.type == "cpu" and t.dtype in (torch.float32, torch.int64) and not t.requires_grad
        for t in tensors
    )


def _state(part: nn.Module) -> Hashable:
    """Return what changes when a weight is changed or replaced."""
    tensors = chain(part.parameters(), part.buffers())
    return tuple((t.data_ptr(), 0 if t.is_inference() else t._version) for t in tensors)


def _make(twin: TwinNetwork, embed: Callable[[Tensor], Tensor], n_threads: int) -> Session | None:
    name = twin.config.backbone
    try:
        session = Session(write_onnx(twin, embed), twin.config.image_size, n_threads)
    except ImportError:
        _tell("onnxruntime is not installed, so torch embeds all pictures, which takes longer.")
        return None
    except CannotBeWrittenError as error:
        _tell(f"Networks of the kind {name} are embedded by torch, because {error}.")
        return None
    except Exception as error:  # noqa: BLE001 - the runtime raises exceptions of its own; torch does as well
        _tell(f"Networks of the kind {name} are embedded by torch, because ONNX Runtime cannot: {error}")
        return None
    # Tests hold the engines against each other for the project's own backbones.
    if name.startswith(TIMM) and not (difference := difference_of(twin, session, embed)) <= TOLERANCE:
        _tell(
            f"Networks of the kind {name} are embedded by torch; ONNX Runtime's differ by {difference:.2g}."
        )
        return None
    return session


def difference_of(
    twin: TwinNetwork, session: Session, embed: Callable[[Tensor], Tensor] | None = None
) -> float:
    """Return the largest difference of the engines' embeddings of noise, as a share of their length."""
    side = twin.config.image_size
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    found = torch.cat(list(session.embed(images)))
    with torch.inference_mode():
        expected = (embed or twin.embed)(normalise(to_unit(images), twin.config))
    return float(((found - expected).norm(dim=1) / expected.norm(dim=1)).max())


def _tell(reason: str) -> None:
    if reason not in _told:
        _told.add(reason)
        _LOG.warning(reason)


def _forget() -> None:
    """Let a forked process make sessions of its own; its parent's threads do not exist there.

    The parent's sessions are kept all the same: closing one waits for its threads, here for ever.
    """
    global _lock, _made
    _lock = threading.Lock()
    _of_the_parent.extend(_made.values())
    _made = WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
