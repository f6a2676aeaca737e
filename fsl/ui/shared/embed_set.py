"""Embed a whole set of images in chunks, so that no other visitor waits long."""

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
    for start in range(0, len(images), CHUNK):
        some = images[start : start + CHUNK]
        with COMPUTE:  # given up between chunks
            sides = [core.usable(core.embed_images(checkpoint.twin, some))]
            if sees_more:
                sides.append(core.embed_as_support(checkpoint.twin, some, sides[0]))
        parts.append(core.torch.stack(sides))
        progress(min(start + CHUNK, len(images)), len(images))
    return core.torch.cat(parts, dim=1)
