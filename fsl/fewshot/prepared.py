"""Support sets as queries are compared with them: prepared once, and kept as long as the support set."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from fsl.base.progress import Progress
from fsl.fewshot.embed import embed_support
from fsl.fewshot.scores import centre_of, centred, prototypes
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import Forward, Ready, embed_images, ready


@dataclass(frozen=True, eq=False)
class PreparedSupport:
    """A support set, embedded and ready for a network's head.

    Attributes:
        digest: of the network's checkpoint.
        centre: float32 ``(1, D)`` that is taken from queries; None if the network does not centre.
        images: of all support images.
        prototypes: of the mean embedding of each class.
    """

    digest: str
    centre: Tensor | None
    images: Ready
    prototypes: Ready

    def seen(self, query: Tensor) -> Tensor:
        """Return embeddings of queries ``(n, D)`` as ``seen_from_support`` returns them."""
        return query if self.centre is None else centred(query, self.centre)


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
    twin, centre = checkpoint.twin, centre_of(checkpoint.twin, embeddings)
    seen = embeddings if centre is None else centred(embeddings, centre)
    of_classes = prototypes(seen, support.slot_tensor, support.n_way)
    return PreparedSupport(checkpoint.digest, centre, ready(twin, seen), ready(twin, of_classes))
