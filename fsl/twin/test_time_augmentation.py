"""Test-time augmentation of support pictures, for classes with one or two pictures.

So few pictures show too little of a class's variety. A picture's middle, enlarged and mirrored, could be
another photo of the same thing; so could a turned picture, if the thing has no upper side. The network tells
which things those are: the less similar a turned copy is to the picture, the less it counts. The average of
the copies represents the class better. Queries are not augmented, so answers take no longer. With more
pictures per class, or with more copies, it brings nothing (``python -m bench photos_tried``).
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
from fsl.twin.inference import Forward, embed_images
from fsl.twin.network import TwinNetwork
from fsl.twin.preprocess import to_uint8

MIDDLE = 0.85
TURN_POWER = 1.5
_N_UPRIGHT = 2
# Pictures whose copies are in memory together.
_AT_ONCE = 16


def augmented_copies(image: Image.Image, config: ModelConfig) -> list[Image.Image]:
    """Return the augmented copies of a picture, without the picture itself.

    Args:
        image: RGB, S x S, the network's input, so that the copies do not depend on how the picture was read.
        config: the network's settings, which say how many.

    Returns:
        ``config.support_views - 1`` square pictures: the mirrored middle, which is smaller and is resized
        like any picture, and the picture turned by a quarter and mirrored.
    """
    middle = ImageOps.mirror(crop_centre(image, MIDDLE))
    return [middle, image.transpose(Image.Transpose.TRANSPOSE)][: config.support_views - 1]


def average_embeddings(copies: Sequence[Tensor], n_upright: int = _N_UPRIGHT) -> Tensor:
    """Average the embeddings of pictures and their augmented copies.

    Args:
        copies: float32 ``(n, D)`` each: the pictures, then their copies in the order of ``augmented_copies``.
        n_upright: how many of them come before those that are turned. The weight of a turned copy is its
            cosine to the picture, to the power ``TURN_POWER``.

    Returns:
        float32 ``(n, D)``, of unit length.
    """
    stacked = F.normalize(torch.stack(list(copies)), dim=2)
    weights = (stacked * stacked[0]).sum(2).clamp(min=0) ** TURN_POWER
    weights[:n_upright] = 1
    return F.normalize((weights[:, :, None] * stacked).sum(0), dim=1)


def embed_as_support(
    twin: TwinNetwork,
    images: PixelArray,
    embeddings: Tensor,
    progress: Progress | None = None,
    forward: Forward = embed_images,
) -> Tensor:
    """Embed images as support pictures of classes with few pictures.

    Args:
        twin: the network, in ``eval`` mode.
        images: uint8 ``(N, S, S, 3)``, S the network's input size.
        embeddings: float32 ``(N, D)``, of the images without augmentation.
        progress: called with (done, total) images.
        forward: embeds the copies.

    Returns:
        float32 ``(N, D)``; ``embeddings`` itself if the settings ask for no augmentation.

    Raises:
        DeviceMemoryError: the GPU has no room for a single image.
    """
    if twin.config.support_views == 1:
        return embeddings
    parts = []
    for start in range(0, len(images), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        pictures = [augmented_copies(Image.fromarray(image), twin.config) for image in images[some]]
        # All copies in one call, so that each pass is full, however few pictures there are.
        copies = [copy for of_place in zip(*pictures, strict=True) for copy in of_place]
        further = forward(twin, to_uint8(copies, twin.config))
        parts.append(average_embeddings([embeddings[some], *torch.split(further, len(pictures))]))
        if progress is not None:
            progress(min(start + _AT_ONCE, len(images)), len(images))
    return torch.cat(parts) if parts else embeddings
