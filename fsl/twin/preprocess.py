"""Convert images to the network's normalised input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fsl.base.errors import NoFaceError
from fsl.base.types import PixelArray
from fsl.config import Fit, ModelConfig
from fsl.data.images.pool import decode_pool
from fsl.data.images.resize import to_square


def to_uint8(images: Sequence[Image.Image], config: ModelConfig) -> PixelArray:
    """Resize RGB images of any size into one array.

    A network for faces takes a picture without a face as a whole; whoever holds pictures in memory says so
    beside them (``fsl.twin.faces``).

    Returns:
        uint8 ``(N, S, S, 3)`` with S = ``config.image_size``.
    """
    side = config.image_size
    if not images:
        return np.empty((0, side, side, 3), np.uint8)
    n_large = sum(image.size != (side, side) for image in images)
    if n_large < 2 or config.fit == "face":  # the detector of faces uses all cores by itself
        return np.stack([_square(image, side, config.fit) for image in images])
    with decode_pool() as pool:
        return np.stack(list(pool.map(lambda image: _square(image, side, config.fit), images)))


def _square(image: Image.Image, side: int, fit: Fit) -> PixelArray:
    try:
        return to_square(image, side, fit)
    except NoFaceError:
        return to_square(image, side, "crop")


def to_unit(images: PixelArray, device: torch.device | str = "cpu") -> Tensor:
    """Convert uint8 ``(N, S, S, 3)`` to float32 ``(N, 3, S, S)`` in [0, 1], ``channels_last``."""
    # The array is already channels last, so nothing is copied before the division.
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float().div_(255)


def normalise(images: Tensor, config: ModelConfig) -> Tensor:
    """Normalise float ``(N, 3, S, S)`` in [0, 1] by the network's mean and standard deviation."""
    if config.grey:
        weights = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)  # ITU-R 601 luma
        images = (images * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)
    mean = images.new_tensor(config.mean).view(1, 3, 1, 1)
    std = images.new_tensor(config.std).view(1, 3, 1, 1)
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)
