"""Embeddings of a whole set of pictures, a chunk at a time, so that nobody else waits long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fsl.ui.shared import core
from fsl.ui.shared.resources import COMPUTE

if TYPE_CHECKING:
    from torch import Tensor

    from fsl.base.types import PixelArray
    from fsl.twin.checkpoint import Checkpoint

CHUNK = 32


def embed_set(
    checkpoint: Checkpoint,
    images: PixelArray,
    progress: Callable[[int, int], object],
    parts: dict[int, Tensor] | None = None,
    as_support: bool = True,
) -> Tensor:
    """Embed images as they are, and as support pictures of classes that have few.

    Args:
        checkpoint: the network.
        images: uint8 ``(N, S, S, 3)``, S the network's input size, N at least 1.
        progress: called with (done, total) images; what it raises interrupts the work.
        parts: what was done before an interruption, by the first image of each chunk; grows, so that the work
            can go on from there. Until the run of a page that was broken off notices it, two may fill it.
        as_support: whether the latter are wanted.

    Returns:
        float32 ``(2, N, D)``, or ``(1, N, D)`` where there are none or the network sees them no differently.
    """
    parts = {} if parts is None else parts
    sees_more = as_support and checkpoint.info.model.support_views > 1
    starts = range(0, len(images), CHUNK)
    for start in starts:
        if start in parts:
            continue
        some = images[start : start + CHUNK]
        with COMPUTE:  # given up between chunks
            sides = [core.embed_images(checkpoint.twin, some)]
            if sees_more:
                sides.append(core.embed_as_support(checkpoint.twin, some, sides[0]))
        parts[start] = core.torch.stack(sides)
        progress(min(start + CHUNK, len(images)), len(images))
    return core.torch.cat([parts[start] for start in starts], dim=1)
