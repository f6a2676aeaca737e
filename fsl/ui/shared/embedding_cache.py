"""Fill the cache of embeddings, one batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from fsl.fewshot.pictures import Picture
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.shared_passes import SharedPasses

P = TypeVar("P", bound="Picture")


def embed_new(
    checkpoint: Checkpoint,
    pictures: Sequence[P],
    progress: Callable[[Sequence[P], int], None],
    as_support: bool = False,
) -> None:
    """Embed the pictures that are not in the cache yet.

    The network is locked for one batch at a time, so that one visitor's thousand pictures do not hold up the
    others, and what several visitors ask for at once shares a batch.

    Args:
        checkpoint: the network.
        pictures: the pictures to embed.
        progress: called with (pictures done, number to do) before each batch and after the last one; never
            called when all are cached.
        as_support: whether to embed them as support pictures of classes with few shots.
    """
    new = [p for p in pictures if core.CACHE.get(core.cache_key(checkpoint, p, as_support)) is None]
    step = core.batch_size(checkpoint.twin)
    for start in range(0, len(new), step):
        progress(new[:start], len(new))
        core.embed(
            checkpoint, new[start : start + step], as_support=as_support, forward=shared_passes().embed
        )
    if new:
        progress(new, len(new))


@lru_cache(maxsize=1)
def shared_passes() -> SharedPasses:
    """Return what makes the forward passes of all sessions and of the HTTP API."""
    return core.SharedPasses(COMPUTE)
