"""Draw the article's Figure 1: a few pairs of a data set, their labels, and a network's answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from fsl.base.errors import SettingsError
from fsl.base.types import Float32Array, PixelArray
from fsl.data.imageset import ImageSet
from fsl.twin.inference import embed_images
from fsl.twin.network import TwinNetwork, similarity
from fsl.twin.pairs import ClassIndex, random_pairs


@dataclass(frozen=True, eq=False)
class BatchPreview:
    """A batch of random pairs with its images.

    Attributes:
        left: uint8 ``(n_pairs, S, S, 3)``.
        right: uint8 ``(n_pairs, S, S, 3)``.
        left_classes: n_pairs class names.
        right_classes: n_pairs class names.
        difference: float32 ``(n_pairs,)``, 0 = same class, 1 = different class.
    """

    left: PixelArray
    right: PixelArray
    left_classes: tuple[str, ...]
    right_classes: tuple[str, ...]
    difference: Float32Array


def preview_batch(images: ImageSet, n_pairs: int, seed: int) -> BatchPreview:
    """Draw random pairs as the article's training does, before any augmentation.

    Raises:
        SettingsError: fewer than two classes have two images.
    """
    pairs = random_pairs(ClassIndex(images.labels, images.class_names), n_pairs, np.random.default_rng(seed))
    return BatchPreview(
        images.images[pairs.left],
        images.images[pairs.right],
        tuple(images.class_names[label] for label in images.labels[pairs.left]),
        tuple(images.class_names[label] for label in images.labels[pairs.right]),
        pairs.difference,
    )


@torch.inference_mode()
def preview_similarities(twin: TwinNetwork, batch: BatchPreview) -> Float32Array:
    """Return a network's similarity for each pair.

    Args:
        twin: the network, in ``eval`` mode; it is not changed.
        batch: pairs of the network's input size.

    Returns:
        float32 ``(n_pairs,)``, in [0, 1], higher = more similar.

    Raises:
        SettingsError: the network takes images of another size.
    """
    size = twin.config.image_size
    if batch.left.shape[1] != size:
        raise SettingsError(f"The pairs are {batch.left.shape[1]} pixels wide and the network takes {size}.")
    device = twin.head.weight.device
    left, right = (embed_images(twin, side).to(device) for side in (batch.left, batch.right))
    found: Float32Array = similarity(twin.head(left, right)).cpu().numpy()
    return found
