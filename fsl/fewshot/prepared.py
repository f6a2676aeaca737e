"""Support sets as queries are compared with them: prepared once, and kept as long as the support set."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from fsl.base.progress import Progress
from fsl.fewshot.embed import embed_support
from fsl.fewshot.scores import prototypes
from fsl.fewshot.support import SupportSet
from fsl.fewshot.support_view import SupportView, view_of
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import Forward, Ready, embed_images, ready


@dataclass(frozen=True, eq=False)
class PreparedSupport:
    """A support set, embedded and ready for a network's head.

    Attributes:
        digest: of the network's checkpoint.
        seen: what the support set sees of embeddings ``(n, D)``, for queries.
        images: of all support images.
        prototypes: of the mean embedding of each class.
    """

    digest: str
    seen: SupportView
    images: Ready
    prototypes: Ready


# By support set, as nothing else says when the memory can be given back. It may be larger than the cache of
# embeddings, which would then drop each row before it is needed again.
_PREPARED: WeakKeyDictionary[SupportSet, PreparedSupport] = WeakKeyDictionary()
_LOCK = threading.Lock()


def prepare_support(
    checkpoint: Checkpoint,
    support: SupportSet,
    progress: Progress | None = None,
    forward: Forward = embed_images,
) -> PreparedSupport:
    """Embed a support set and prepare it for comparisons, or return what was prepared before.

    It is kept for the network that was used last: 4 * D bytes for each image.

    Args:
        progress: as for ``embed_support``.
        forward: as for ``embed_support``.
    """
    with _LOCK:
        found = _PREPARED.get(support)
    if found is None or found.digest != checkpoint.digest:
        found = _prepared(
            checkpoint, support, embed_support(checkpoint, support, progress=progress, forward=forward)
        )
        with _LOCK:
            _PREPARED[support] = found
    return found


@torch.inference_mode()
def _prepared(checkpoint: Checkpoint, support: SupportSet, embeddings: Tensor) -> PreparedSupport:
    twin, view = checkpoint.twin, view_of(checkpoint.twin, embeddings, support.slot_tensor)
    seen = view(embeddings)
    of_classes = prototypes(seen, support.slot_tensor, support.n_way)
    return PreparedSupport(checkpoint.digest, view, ready(twin, seen), ready(twin, of_classes))
