"""Embed many images and compare many pairs, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fsl.base.errors import CheckpointError, DeviceMemoryError
from fsl.base.progress import Progress
from fsl.base.types import PixelArray
from fsl.twin.engine.choose import session_of
from fsl.twin.network import TwinNetwork, similarity
from fsl.twin.preprocess import normalise, to_unit

Forward = Callable[[TwinNetwork, PixelArray], Tensor]
"""Embeds images like ``embed_images``: the network and uint8 ``(N, S, S, 3)`` to float32 ``(N, D)``."""
Ready = tuple[Tensor, Tensor]
"""Embeddings as a head compares them: what its ``ready`` returns."""

BATCH = 64
# A processor's caches hold few images. With Conv-4, batches of 16 images of 64 pixels are twice as fast as
# batches of 64; with the photos network, 4 images of 260 pixels at once are a third faster than one.
BATCH_ON_CPU = 16
BATCH_OF_LARGE = 4
_ROUNDS = 2
LARGE = 160
PAIRS_AT_ONCE = 4_000_000
# Squares of larger numbers, and sums of them, leave the range of float32.
_LARGEST_USABLE = 1e15


def device_of(twin: TwinNetwork) -> torch.device:
    """Return the device that the network's weights are on."""
    return twin.head.weight.device


def batch_size(twin: TwinNetwork) -> int:
    """Return how many images to embed at once."""
    if device_of(twin).type != "cpu":
        return BATCH
    least = BATCH_OF_LARGE if twin.config.image_size >= LARGE else BATCH_ON_CPU
    return max(least, _ROUNDS * torch.get_num_threads())  # each core has something to do in each pass


def usable(values: Tensor) -> Tensor:
    """Return embeddings or logits unchanged, if an answer can be computed from them.

    A network that is being trained may well diverge, and its losses show that. An answer never stands on
    numbers that are infinite or not numbers.

    Raises:
        CheckpointError: they are not finite, or close to it.
    """
    if values.numel() and not bool((values.abs() < _LARGEST_USABLE).all()):
        raise CheckpointError(
            "This network gives numbers that are infinite or far too large, so it has no answer: its file is "
            "damaged, or it was trained at too high a rate. Choose another network, or get the file again."
        )
    return values


@torch.inference_mode()
def embed_images(twin: TwinNetwork, images: PixelArray, progress: Progress | None = None) -> Tensor:
    """Embed images in batches, by the engine that ``fsl.twin.engine`` chooses for the network.

    Embeddings are always computed in the weights' precision: they are cached, compared and calibrated across
    machines, and the rounding of bf16 would show.

    Args:
        twin: the network, in ``eval`` mode; it is not changed.
        images: uint8 ``(N, S, S, 3)``, S the network's input size.
        progress: called with (done, total) after each batch.

    Returns:
        float32 ``(N, D)`` on the CPU.

    Raises:
        DeviceMemoryError: the GPU has no room for a single image.
    """
    if not len(images):
        return torch.empty(0, twin.embedding_dim)
    session = session_of(twin)
    if session is not None:
        parts = session.embed(images)
    else:
        step, device = batch_size(twin), device_of(twin)
        parts = (
            _embed_batch(twin, images[start : start + step], device) for start in range(0, len(images), step)
        )
    found: list[Tensor] = []
    n_done = 0
    for part in parts:
        found.append(part)
        n_done += len(part)
        if progress is not None:
            progress(n_done, len(images))
    return torch.cat(found)


def _embed_batch(twin: TwinNetwork, images: PixelArray, device: torch.device) -> Tensor:
    """Embed a batch ``(B, D)``; if the GPU has no room for it, embed its halves."""
    try:
        return twin.embed(normalise(to_unit(images, device), twin.config)).cpu()
    except torch.OutOfMemoryError as error:
        if len(images) == 1:
            raise DeviceMemoryError(
                "The GPU has not enough free memory for even one picture. Close what else uses it, or "
                "compute on the processor (--device cpu; for the app, start it with CUDA_VISIBLE_DEVICES= )."
            ) from error
    # Outside the handler, because the exception keeps the tensors alive that did not fit.
    if device.type == "cuda":
        torch.cuda.empty_cache()
    half = len(images) // 2
    return torch.cat([_embed_batch(twin, part, device) for part in (images[:half], images[half:])])


@torch.inference_mode()
def similarities(twin: TwinNetwork, first: Tensor, second: Tensor) -> Tensor:
    """Return the twin's similarity of every pair of embeddings.

    Args:
        twin: the network whose head compares.
        first: float32 ``(n1, D)``.
        second: float32 ``(n2, D)``.

    Returns:
        float32 ``(n1, n2)`` on the CPU, in [0, 1], higher = more similar.
    """
    return similarity(pair_logits(twin, first, second))


@torch.inference_mode()
def pair_logits(twin: TwinNetwork, first: Tensor, second: Tensor) -> Tensor:
    """Return the logits of every pair, float32 ``(n1, n2)``, higher = more different."""
    return ready_logits(twin, first, ready(twin, second))


@torch.inference_mode()
def ready(twin: TwinNetwork, embeddings: Tensor) -> Ready:
    """Prepare embeddings ``(n, D)`` that many others will be compared with, on the network's device."""
    return twin.head.ready(embeddings.to(device_of(twin)))


@torch.inference_mode()
def ready_logits(twin: TwinNetwork, first: Tensor, second: Ready) -> Tensor:
    """Return the logits of every pair, as ``pair_logits``; the second embeddings are prepared already."""
    device, n_second = device_of(twin), len(second[0])
    rows = max(1, PAIRS_AT_ONCE // max(1, n_second))
    parts = [
        twin.head.pairwise_ready(first[start : start + rows].to(device), second).cpu()
        for start in range(0, len(first), rows)
    ]
    return torch.cat(parts) if parts else torch.empty(0, n_second)
