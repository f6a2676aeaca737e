"""One training step: draw a batch of images, embed it, compare the pairs and update the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError, SettingsError
from fsl.base.types import IntArray
from fsl.config import DEFAULT_MARGINS, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.augment import as_new_classes, augment
from fsl.training.state import TrainState
from fsl.twin.device import autocast
from fsl.twin.losses import bce_loss, contrastive_loss, embedding_distance, rank_loss, triplet_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import ClassIndex, all_pairs, class_batch, random_pairs
from fsl.twin.preprocess import normalise, to_unit


def index_to_train_on(data: ImageSet, twin: TwinNetwork) -> ClassIndex:
    """Return the index of each class's images.

    Raises:
        DataError: there are too few images or classes.
        SettingsError: the images do not have the network's input size.
    """
    if len(data) == 0:
        raise DataError("There are no images to train on. Choose a data set with at least 2 classes.")
    require_size(data, twin, "images")
    return ClassIndex(data.labels, data.class_names)


def require_size(data: ImageSet, twin: TwinNetwork, what: str) -> None:
    """Refuse images that do not have the network's input size; ``what`` they are is for the message.

    Raises:
        SettingsError: they do not.
    """
    if data.size != twin.config.image_size:
        raise SettingsError(
            f"The {what} are {data.size} pixels wide and the network takes {twin.config.image_size}. "
            "Load the data at the network's size."
        )


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """Return the learning rate of batch ``step``, counted from 0.

    "one-cycle" rises linearly over the first tenth, then falls along a cosine to a hundredth of the peak
    (Smith, "Super-Convergence", 2017, without its momentum cycle).
    """
    if config.schedule == "constant":
        return config.learning_rate
    warm_up = max(1, config.steps // 10)
    if step < warm_up:
        return config.learning_rate * (step + 1) / warm_up
    fraction = (step - warm_up) / max(1, config.steps - warm_up)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fraction)))


def train_step(
    state: TrainState, data: ImageSet, index: ClassIndex, config: TrainConfig
) -> tuple[Tensor, int]:
    """Draw one batch and train on it; returns and raises the same as ``train_on``."""
    batch = draw_batch(index, config, state.sampler)
    if state.features is not None:
        for _ in state.features.compute(data, batch.rows, batch.views):
            pass
    return train_on(state, data, batch, config)


def train_on(state: TrainState, data: ImageSet, batch: Batch, config: TrainConfig) -> tuple[Tensor, int]:
    """Train on one batch, whose features are computed if the state keeps them.

    Returns:
        float32 ``(4,)`` on the device (reading it waits for a GPU): the loss and the three numbers of
        ``batch_statistics``; and the number of images embedded by all processes of the group.

    Raises:
        SettingsError: the batch has fewer images than the group has processes.
    """
    for parameters in state.optimiser.param_groups:
        parameters["lr"] = learning_rate_at(config, state.step)
    group, n_images = state.group, len(batch.rows)
    if n_images < group.world_size:
        raise SettingsError(
            f"A batch of {n_images} images cannot be shared by {group.world_size} processes. Use larger "
            "batches (--batch-classes, --batch-images) or fewer processes."
        )
    if state.features is not None:
        embeddings = state.features.embed(batch.rows, batch.views)
    else:
        embeddings = group.all_gather(_embed_share(state, data, batch, config), n_images)
    result = pair_loss(state.twin, embeddings, batch, config)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(result.minimised)
    state.optimiser.step()
    state.step += 1
    statistics = batch_statistics(embeddings, result.logits, batch.difference.to(embeddings.device))
    return torch.cat([result.loss.detach()[None], statistics]), n_images


def _embed_share(state: TrainState, data: ImageSet, batch: Batch, config: TrainConfig) -> Tensor:
    """Return the embeddings of this process's share of a batch, each image changed at random."""
    n_images = len(batch.rows)
    share = state.group.share(n_images)
    images = to_unit(data.images[batch.rows[share]], state.device)
    images = as_new_classes(images, batch.slots, config.augment, state.generator, share)
    images = augment(images, config.augment, state.generator, n_images, share)
    with autocast(state.device, state.bf16):
        return state.embed(normalise(images, state.twin.config))


@torch.no_grad()
def batch_statistics(embeddings: Tensor, logits: Tensor, difference: Tensor) -> Tensor:
    """Return what a verdict needs besides the loss; it costs almost nothing next to a batch.

    Args:
        embeddings: float ``(B, D)``.
        logits: float ``(n_pairs,)``.
        difference: float ``(n_pairs,)``, 0 = same class, 1 = different class.

    Returns:
        float ``(3,)``: ``logit_std``, ``separation`` and ``embedding_spread``, see ``Step``.
    """
    different = difference.sum().clamp(min=1)
    same = (1 - difference).sum().clamp(min=1)
    mean_different = (logits * difference).sum() / different
    mean_same = (logits * (1 - difference)).sum() / same
    centre = torch.where(difference > 0, mean_different, mean_same)
    within = (logits - centre).square().mean().sqrt()
    separation = (mean_different - mean_same) / (within + 1e-6)
    size = embeddings.square().mean().sqrt()
    spread = embeddings.var(0, correction=0).mean().sqrt() / (size + 1e-6)
    return torch.stack([logits.std(correction=0), separation, spread])


@dataclass(frozen=True, eq=False)
class Batch:
    """The images and pairs of one batch, in a form that both kinds of pairing share.

    Attributes:
        rows: int64 ``(B,)``, the images to embed.
        slots: int64 ``(B,)``, the class of each image within the batch.
        first: int64 ``(n_pairs,)``, position of each pair's first image in the batch.
        second: int64 ``(n_pairs,)``, position of its second image.
        difference: float32 ``(n_pairs,)``, 0 = same class, 1 = different class.
        views: int64 ``(B,)``, which kept view of each image to take; 0 if none are kept.
    """

    rows: IntArray
    slots: Tensor
    first: Tensor
    second: Tensor
    difference: Tensor
    views: IntArray


def draw_batch(index: ClassIndex, config: TrainConfig, rng: np.random.Generator) -> Batch:
    """Draw one batch: all pairs of a few classes, or random pairs."""
    if config.pairing == "all":
        drawn = class_batch(
            index, config.batch_classes, config.batch_images, rng, config.focus, config.focus_groups
        )
        slots = torch.from_numpy(drawn.slots)
        return Batch(drawn.rows, slots, *all_pairs(slots), _draw_views(len(slots), config, rng))
    pairs = random_pairs(index, config.batch_pairs, rng)
    n = config.batch_pairs
    position = torch.arange(n)
    difference = torch.from_numpy(pairs.difference)
    # Each pair has classes of its own: slot 2i and, if the pair is of two classes, slot 2i + 1.
    slots = torch.cat([2 * position, 2 * position + difference.long()])
    rows, views = np.concatenate([pairs.left, pairs.right]), _draw_views(len(slots), config, rng)
    return Batch(rows, slots, position, position + n, difference, views)


def _draw_views(n: int, config: TrainConfig, rng: np.random.Generator) -> IntArray:
    return rng.integers(config.cached_views, size=n) if config.cached_views else np.zeros(n, np.int64)


@dataclass(frozen=True, eq=False)
class PairLoss:
    """The loss of one batch.

    Attributes:
        loss: float scalar, the loss that the settings name; curves show this one.
        minimised: float scalar, the loss that the step minimises: the same, or with the head's own loss
            added.
        logits: float ``(n_pairs,)``, the head's output.
    """

    loss: Tensor
    minimised: Tensor
    logits: Tensor


def pair_loss(twin: TwinNetwork, embeddings: Tensor, batch: Batch, config: TrainConfig) -> PairLoss:
    """Return the loss of a batch.

    The contrastive and the triplet loss train the backbone alone. The head then learns from the embeddings by
    BCE without changing them, so that the logits of every checkpoint can be compared and calibrated in the
    same way, whichever loss it was trained with.

    Args:
        embeddings: float ``(B, D)``, of all images of the batch.
    """
    first, second = batch.first, batch.second
    difference, slots = batch.difference.to(embeddings.device), batch.slots.to(embeddings.device)
    margin = config.margin or DEFAULT_MARGINS.get(config.loss, 0.0)
    if config.loss == "bce":
        logits = twin.head(embeddings[first], embeddings[second])
        loss = bce_loss(logits, difference)
        return PairLoss(loss, loss, logits)
    if config.loss == "bce+rank":
        table = twin.head(embeddings[:, None], embeddings[None])  # (B, B)
        logits = table[first, second]
        loss = bce_loss(logits, difference) + rank_loss(table, slots)
        return PairLoss(loss, loss, logits)
    if config.loss == "contrastive":
        distance = embedding_distance(embeddings[first], embeddings[second])
        loss = contrastive_loss(distance, difference, margin)
    else:
        loss = triplet_loss(embeddings, slots, margin)
    fixed = embeddings.detach()
    logits = twin.head(fixed[first], fixed[second])
    return PairLoss(loss, loss + bce_loss(logits, difference), logits)
