"""Embeddings of pictures, computed once per network and content."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from fsl.base.lru import LruCache
from fsl.base.progress import Progress
from fsl.data.images.pool import decode_pool
from fsl.fewshot.pictures import Picture
from fsl.fewshot.support import SupportSet
from fsl.twin.checkpoint import Checkpoint
from fsl.twin.inference import Forward, batch_size, embed_images, usable
from fsl.twin.preprocess import to_uint8
from fsl.twin.test_time_augmentation import embed_as_support

_CACHE_BYTES = 128 * 2**20
# Passes asked for in one call: between two calls, cores wait for the last one to be done.
_PASSES = 4


CACHE: LruCache[tuple[str, str], Tensor] = LruCache(most_bytes=_CACHE_BYTES, size=lambda row: row.nbytes)
"""Embeddings ``(D,)`` by ``cache_key``."""


def cache_key(checkpoint: Checkpoint, image: Picture, as_support: bool = False) -> tuple[str, str]:
    """Return the key under which ``embed`` keeps the embedding of an image."""
    is_augmented = as_support and checkpoint.info.model.support_views > 1
    return checkpoint.digest, f"{image.digest}/support" if is_augmented else image.digest


def embed(
    checkpoint: Checkpoint,
    images: Sequence[Picture],
    progress: Progress | None = None,
    as_support: bool = False,
    forward: Forward = embed_images,
) -> Tensor:
    """Embed images, each content once per checkpoint as long as ``CACHE`` keeps it.

    Args:
        images: of any size.
        progress: called with (done, total) images.
        as_support: embed as support images of classes with few images: with the test-time augmentation that
            the network's settings ask for (``fsl.twin.test_time_augmentation``).

    Returns:
        float32 ``(n, D)``.
    """
    keys = [cache_key(checkpoint, image, as_support) for image in images]
    rows = {key: CACHE.get(key) for key in keys}
    by_key = dict(zip(keys, images, strict=True))
    missing = [key for key, row in rows.items() if row is None]
    step = _PASSES * batch_size(checkpoint.twin)
    for start in range(0, len(missing), step):
        batch = missing[start : start + step]
        members = [by_key[key] for key in batch]
        pixels = to_uint8(_decoded(members), checkpoint.info.model)
        if as_support:
            plain = embed(checkpoint, members, forward=forward)
            found = embed_as_support(checkpoint.twin, pixels, plain, forward=forward)
        else:
            found = forward(checkpoint.twin, pixels)
        for key, row in zip(batch, usable(found), strict=True):
            # Copied, because a row of a batch keeps the memory of the whole batch.
            rows[key] = own = row.clone()
            CACHE.put(key, own)
        if progress is not None:
            progress(min(start + step, len(missing)), len(missing))
    in_order = [row for key in keys if (row := rows[key]) is not None]
    return torch.stack(in_order) if in_order else torch.empty(0, checkpoint.twin.embedding_dim)


def _decoded(members: Sequence[Picture]) -> list[Image.Image]:
    """Return the pixels of pictures; several threads decode those that are not decoded yet."""
    if len(members) == 1:
        return [members[0].image]
    with decode_pool() as pool:
        return list(pool.map(lambda member: member.image, members))


def embed_support(
    checkpoint: Checkpoint,
    support: SupportSet,
    progress: Progress | None = None,
    forward: Forward = embed_images,
) -> Tensor:
    """Embed a support set, with test-time augmentation for classes with few images.

    Args:
        progress: called with (done, total): first for all images, then for those of classes with few.
        forward: as for ``embed``.

    Returns:
        float32 ``(n_support, D)``.
    """
    embeddings = embed(checkpoint, support.images, progress, forward=forward)
    if support.few:
        embeddings[support.is_of_few] = embed(
            checkpoint, support.few, progress, as_support=True, forward=forward
        )
    return embeddings
