"""The training engine: an iterator of events, repeatable for a seed on one device."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl.config import EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.errors import DataError, SettingsError
from fsl.fewshot.episodes import fit_ways
from fsl.fewshot.evaluate import evaluate
from fsl.training.augment import as_new_classes, augment
from fsl.training.events import Evaluation, Finished, Started, Step, TrainEvent
from fsl.twin.device import autocast, choose_device, describe_device, use_bf16
from fsl.twin.inference import embed_images
from fsl.twin.losses import bce_loss, rank_loss
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import ClassIndex, all_pairs, class_batch, random_pairs
from fsl.twin.preprocess import normalise, to_unit

MAX_EVALUATION_IMAGES_PER_CLASS = 20


@dataclass(eq=False)
class TrainState:
    """All that changes while training; enough to go on as if never stopped.

    Attributes:
        twin: the network, in ``train`` mode, the run's own.
        optimiser: with its moments.
        sampler: draws batches.
        generator: draws augmentations; on the CPU.
        device: where the network is.
        bf16: whether convolutions run in bf16.
        step: batches done.
        seconds: training time so far.
    """

    twin: TwinNetwork
    optimiser: torch.optim.Optimizer
    sampler: np.random.Generator
    generator: torch.Generator
    device: torch.device
    bf16: bool
    step: int = 0
    seconds: float = 0.0


def new_state(config: TrainConfig, start: ModelConfig | TwinNetwork) -> TrainState:
    """The state before the first batch.

    Args:
        config: of the run.
        start: an architecture to train from random weights, or a network to train on, of which a copy is
            taken: the given one never changes.

    Raises:
        SettingsError: the device is not there.
    """
    device = choose_device(config.device)
    if isinstance(start, TwinNetwork):
        twin = start.copy()
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            twin = TwinNetwork(start)
    twin.to(device).train().requires_grad_(True)
    return TrainState(
        twin,
        _optimiser(config, twin),
        np.random.default_rng(config.seed),
        torch.Generator().manual_seed(config.seed),
        device,
        use_bf16(config.precision, device),
    )


def _optimiser(config: TrainConfig, twin: TwinNetwork) -> torch.optim.Optimizer:
    parameters = [p for p in twin.parameters() if p.requires_grad]
    if config.optimiser == "adam":
        return torch.optim.Adam(parameters, config.learning_rate)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)
    return torch.optim.SGD(parameters, config.learning_rate, momentum=0.9, weight_decay=config.weight_decay)


def learning_rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of batch ``step`` (0 is the first).

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


def train(
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork | TrainState,
    validation: ImageSet | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[TrainEvent]:
    """Train a twin network and say how it goes.

    Iterating drives the training; the network being trained is in the ``TrainState``, which a caller who
    wants it makes with ``new_state`` and passes as ``start``.

    Args:
        data: images to train on, of the network's input size.
        config: all settings.
        start: architecture, network to copy, or state to go on from.
        validation: images of other classes to test on; none = no evaluation.
        should_stop: asked after every batch; true ends the run with ``Finished(stopped=True)``.

    Yields:
        Started, then Step and Evaluation events, then Finished.

    Raises:
        SettingsError, DataError: the data or the settings cannot be trained with; before the first event.
    """
    state = start if isinstance(start, TrainState) else new_state(config, start)
    _refuse_wrong_size(data, state.twin)
    index = ClassIndex(data.labels, data.class_names)
    test = _plan_evaluation(config.evaluation, validation)
    notes = [test.note if test else "no validation classes, so no N-way K-shot test"]
    if config.pairing == "all" and config.batch_classes > len(index):
        notes.append(f"{len(index)} classes in a batch instead of {config.batch_classes}")
    yield Started(
        step=state.step,
        steps=config.steps,
        device=describe_device(state.device),
        bf16=state.bf16,
        n_images=len(data),
        n_classes=len(index),
        n_parameters=sum(p.numel() for p in state.twin.parameters() if p.requires_grad),
        note="; ".join(note for note in notes if note),
    )

    began = time.perf_counter() - state.seconds
    window_began, losses, n_images = time.perf_counter(), [], 0
    stopped = False
    while state.step < config.steps and not stopped:
        loss, n = train_step(state, data, index, config)
        losses.append(loss)
        n_images += n
        state.seconds = time.perf_counter() - began
        last = state.step == config.steps
        if last or state.step % config.report_every == 0:
            mean_loss = float(torch.stack(losses).mean())
            now = time.perf_counter()
            rate = n_images / (now - window_began)
            yield Step(state.step, mean_loss, learning_rate_at(config, state.step - 1), rate, state.seconds)
            window_began, losses, n_images = time.perf_counter(), [], 0
        if test and (last or (config.evaluate_every and state.step % config.evaluate_every == 0)):
            paused = time.perf_counter()
            yield _evaluate(state, test)
            window_began += time.perf_counter() - paused
            state.seconds = time.perf_counter() - began
        stopped = not last and should_stop()
    yield Finished(state.step, state.seconds, stopped)


def train_step(
    state: TrainState, data: ImageSet, index: ClassIndex, config: TrainConfig
) -> tuple[Tensor, int]:
    """One batch: draw, augment, embed once, compare, learn.

    Returns:
        the loss, a float scalar tensor on the device (reading it would wait for a GPU), and the number of
        images that went through the backbone.
    """
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate_at(config, state.step)
    rows, slots, first, second, difference = draw_batch(index, config, state.sampler)
    images = to_unit(data.images[rows], state.device)
    images = as_new_classes(images, slots, config.augment, state.generator)
    images = augment(images, config.augment, state.generator)
    with autocast(state.device, state.bf16):
        embeddings = state.twin.embed(normalise(images, state.twin.config))
    loss = pair_loss(state.twin, embeddings, slots, first, second, difference, config)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    state.optimiser.step()
    state.step += 1
    return loss.detach(), len(rows)


def draw_batch(
    index: ClassIndex, config: TrainConfig, rng: np.random.Generator
) -> tuple[Any, Tensor, Tensor, Tensor, Tensor]:
    """One batch in the form both pairings share.

    Returns:
        rows: int64 array ``(B,)``, the images to embed;
        slots: int64 ``(B,)``, the class of each within the batch;
        first, second: int64 ``(n_pairs,)``, positions in the batch;
        difference: float32 ``(n_pairs,)``.
    """
    if config.pairing == "all":
        batch = class_batch(
            index, config.batch_classes, config.batch_images, rng, config.focus, config.focus_groups
        )
        slots = torch.from_numpy(batch.slots)
        return batch.rows, slots, *all_pairs(slots)
    pairs = random_pairs(index, config.batch_pairs, rng)
    n = config.batch_pairs
    position = torch.arange(n)
    difference = torch.from_numpy(pairs.difference)
    # Each pair is its own little world: slots 2i and, if the pair is of two classes, 2i + 1.
    slots = torch.cat([2 * position, 2 * position + difference.long()])
    return np.concatenate([pairs.left, pairs.right]), slots, position, position + n, difference


def pair_loss(
    twin: TwinNetwork,
    embeddings: Tensor,
    slots: Tensor,
    first: Tensor,
    second: Tensor,
    difference: Tensor,
    config: TrainConfig,
) -> Tensor:
    """The loss of a batch that ``draw_batch`` made; a float scalar."""
    difference = difference.to(embeddings.device)
    if config.loss == "bce":
        return bce_loss(twin.head(embeddings[first], embeddings[second]), difference)
    logits = twin.head(embeddings[:, None], embeddings[None])  # (B, B)
    return bce_loss(logits[first, second], difference) + rank_loss(logits, slots.to(embeddings.device))


@dataclass(frozen=True, eq=False)
class _PlannedTest:
    data: ImageSet
    config: EpisodeConfig
    note: str


def _plan_evaluation(config: EpisodeConfig, validation: ImageSet | None) -> _PlannedTest | None:
    if validation is None:
        return None
    config, note = fit_ways(config, validation.labels)
    rows = np.concatenate(
        [
            np.flatnonzero(validation.labels == label)[:MAX_EVALUATION_IMAGES_PER_CLASS]
            for label in np.unique(validation.labels)
        ]
    )
    subset = replace(
        validation,
        images=validation.images[rows],
        labels=validation.labels[rows],
        names=tuple(validation.names[i] for i in rows),
    )
    return _PlannedTest(subset, config, note)


def _evaluate(state: TrainState, test: _PlannedTest) -> Evaluation:
    state.twin.eval()
    try:
        embeddings = embed_images(state.twin, test.data.images)
        result = evaluate(state.twin, embeddings, test.data.labels, test.config)
    finally:
        state.twin.train()
    return Evaluation(
        state.step,
        result.accuracy,
        result.ci95,
        test.config.n_way,
        test.config.n_shot,
        test.config.n_episodes,
    )


def _refuse_wrong_size(data: ImageSet, twin: TwinNetwork) -> None:
    if len(data) == 0:
        raise DataError("There are no images to train on. Choose a data set with at least 2 classes.")
    if data.size != twin.config.image_size:
        raise SettingsError(
            f"The images are {data.size} pixels wide and the network takes {twin.config.image_size}. "
            "Load the data at the network's size."
        )
