"""Embed pictures a batch at a time, so that no other visitor waits long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import PixelArray
    from fsl.fewshot.pictures import Picture
    from fsl.twin.checkpoint import Checkpoint
    from fsl.twin.shared_passes import SharedPasses

P = TypeVar("P", bound="Picture")
_CHUNK = 32


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


def embed_set(
    checkpoint: Checkpoint,
    images: PixelArray,
    progress: Callable[[int, int], object],
    as_support: bool = True,
) -> Tensor:
    """Embed images as they are, and as support pictures of classes that have few.

    Args:
        checkpoint: the network.
        images: uint8 ``(N, S, S, 3)``, S the network's input size, N at least 1.
        progress: called with (images done, total); it may raise to interrupt the work.
        as_support: whether to embed them as support pictures, too.

    Returns:
        float32 ``(2, N, D)``, or ``(1, N, D)`` if not asked for or if the network embeds both the same way.
    """
    parts: list[Tensor] = []
    sees_more = as_support and checkpoint.info.model.support_views > 1
    for start in range(0, len(images), _CHUNK):
        some = images[start : start + _CHUNK]
        with COMPUTE:  # given up between chunks
            sides = [core.usable(core.embed_images(checkpoint.twin, some))]
            if sees_more:
                sides.append(core.embed_as_support(checkpoint.twin, some, sides[0]))
        parts.append(core.torch.stack(sides))
        progress(min(start + _CHUNK, len(images)), len(images))
    return core.torch.cat(parts, dim=1)
