"""Several views of a support picture: a class of one or two pictures shows too little of its variety.

The picture mirrored, and its middle enlarged, are pictures of the same thing that somebody might as well have
taken; so is the picture turned, of a thing that has no upper side. Which things those are the network knows:
the less a turned picture is like the picture, the less it counts. Averaged they make a better example of the
class; a query is seen once, so its answer takes no longer. With more pictures a class they add nothing
(``python -m bench photos_tried``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from PIL import Image, ImageOps
from torch import Tensor

from fsl.base.progress import Progress
from fsl.base.types import PixelArray
from fsl.config import ModelConfig
from fsl.data.images.resize import crop_centre
from fsl.twin.inference import BATCH, embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import to_uint8

MIDDLE = 0.85
TURN_POWER = 1.5
_N_UPRIGHT = 3


def augmented_copies(image: Image.Image, config: ModelConfig) -> list[Image.Image]:
    """The views of a picture beside itself.

    Args:
        image: RGB, S x S, as the network sees it, so that a picture read by whatever way has the same views.
        config: the network's settings, which say how many.

    Returns:
        ``config.support_views - 1`` square pictures; the middle is smaller, and enlarged like any picture.
    """
    turns = (image.transpose(Image.Transpose.ROTATE_90), image.transpose(Image.Transpose.ROTATE_270))
    return [ImageOps.mirror(image), crop_centre(image, MIDDLE), *turns][: config.support_views - 1]


def average_embeddings(views: Sequence[Tensor]) -> Tensor:
    """The embedding of pictures by those of their views.

    Args:
        views: float32 ``(n, D)`` each: the pictures as they are, then as ``augmented_copies`` has them. Those
            turned count by their cosine to the first, to the power ``TURN_POWER``.

    Returns:
        float32 ``(n, D)``, of unit length.
    """
    stacked = F.normalize(torch.stack(list(views)), dim=2)
    weights = (stacked * stacked[0]).sum(2).clamp(min=0) ** TURN_POWER
    weights[:_N_UPRIGHT] = 1
    return F.normalize((weights[:, :, None] * stacked).sum(0), dim=1)


def embed_as_support(
    twin: TwinNetwork,
    images: PixelArray,
    embeddings: Tensor,
    progress: Progress | None = None,
) -> Tensor:
    """Embeddings of images as support pictures of classes that have few.

    Args:
        twin: the network, in ``eval`` mode.
        images: uint8 ``(N, S, S, 3)``, S the network's input size.
        embeddings: float32 ``(N, D)``, theirs as they are.
        progress: called with (done, total) images.

    Returns:
        float32 ``(N, D)``; ``embeddings`` themselves where the settings ask for no further view.

    Raises:
        DeviceMemoryError: the GPU has no room for a single image.
    """
    if twin.config.support_views == 1:
        return embeddings
    parts = []
    for start in range(0, len(images), BATCH):
        some = slice(start, start + BATCH)
        pictures = [augmented_copies(Image.fromarray(image), twin.config) for image in images[some]]
        further = [embed_images(twin, to_uint8(view, twin.config)) for view in zip(*pictures, strict=True)]
        parts.append(average_embeddings([embeddings[some], *further]))
        if progress is not None:
            progress(min(start + BATCH, len(images)), len(images))
    return torch.cat(parts) if parts else embeddings
