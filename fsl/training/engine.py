"""The training engine: an iterator of events, repeatable for a seed on one device at one precision."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fsl.base.errors import DataError, SettingsError
from fsl.base.types import Float64Array, IntArray, PixelArray
from fsl.config import DEFAULT_MARGINS, EpisodeConfig, ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.fewshot.episodes import fit_ways
from fsl.fewshot.evaluate import evaluate
from fsl.fewshot.metrics import ci95
from fsl.training.augment import as_new_classes, augment
from fsl.training.events import Comparison, Evaluation, Finished, Started, Step, TrainEvent, Verdict
from fsl.training.verdict import judge
from fsl.twin.device import autocast, choose_device, describe_device, use_bf16
from fsl.twin.distributed import ALONE, Team
from fsl.twin.inference import embed_images, pair_logits
from fsl.twin.losses import bce_loss, contrastive_loss, embedding_distance, rank_loss, triplet_loss
from fsl.twin.network import TwinNetwork, seeded_network
from fsl.twin.pairs import ClassIndex, all_pairs, class_batch, random_pairs
from fsl.twin.preprocess import normalise, to_unit
from fsl.twin.trainable import choose_trainable, training_mode

CLASSES_FOR_UNKNOWN = 3  # two to choose from, and one that is not among them
MAX_EVALUATION_IMAGES_PER_CLASS = 20
MAX_LOSS_IMAGES = 400
_IMAGES_A_TURN = 64  # embedded in a fraction of a second; a multiple of every batch of ``embed_images``
_JUDGED_EACH = 100  # reports: from twice as many on, a run is judged again when it has grown by a hundredth


class Pause(Enum):
    """A moment at which another run may take its turn."""

    BATCH = "a batch is done, or a test before the next one, and so are its events"
    WITHIN = "in the midst of a test or a calibration"


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
        window: what the batches since the last Step event gave, each float32 ``(4,)`` as ``train_step``
            returns it.
        before: float64 ``(E,)``, accuracy of each episode before the first batch; empty where not asked for.
        latest: float64 ``(E,)``, the same at the latest test since; empty before.
        tested_at: batches done at that test.
        evaluated: float32 ``(n, D)``, embeddings of ``evaluation_images`` at the last evaluation; not part of
            what is needed to go on.
        team: the processes that train this network together.
        embed: as ``twin.embed``, with the team's gradients brought together.
    """

    twin: TwinNetwork
    optimiser: torch.optim.Optimizer
    sampler: np.random.Generator
    generator: torch.Generator
    device: torch.device
    bf16: bool
    step: int = 0
    seconds: float = 0.0
    window: list[Tensor] = field(default_factory=list)
    before: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    latest: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.float64))
    tested_at: int = 0
    evaluated: Tensor | None = None
    team: Team = ALONE
    embed: Callable[[Tensor], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.embed = self.team.embedder(self.twin)


def new_state(config: TrainConfig, start: ModelConfig | TwinNetwork, team: Team = ALONE) -> TrainState:
    """The state before the first batch.

    Args:
        config: of the run.
        start: an architecture to train from random weights, or a network to train on, of which a copy is
            taken: the given one never changes.
        team: the processes that train it together; each makes its state from the same settings.

    Raises:
        SettingsError: the device is not there, or no layer is left to learn.
    """
    device = choose_device(config.device)
    if device.type == "cuda":
        # Else cuDNN may add up gradients in another order each time, and a resumed run would go other ways.
        torch.backends.cudnn.deterministic = True
    twin = start.copy() if isinstance(start, TwinNetwork) else seeded_network(start, config.seed)
    choose_trainable(twin, config.trainable)
    training_mode(twin.to(device))
    return TrainState(
        twin,
        _optimiser(config, twin),
        np.random.default_rng(config.seed),
        torch.Generator().manual_seed(config.seed),
        device,
        team.agree(use_bf16(config.precision, device)),
        team=team,
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
    wants it makes with ``new_state`` and passes as ``start``. A run whose loss is no longer a number ends.

    Args:
        data: images to train on, of the network's input size.
        config: all settings.
        start: architecture, network to copy, or state to go on from.
        validation: images of other classes to test on; none = no evaluation.
        should_stop: asked after every batch and within evaluations; true ends the run with
            ``Finished(stopped=True)``.

    Yields:
        Started, then Step, Evaluation and Verdict events (a verdict when it changes, and at the end), at the
        end a Comparison where the settings ask for it and there was a test since, and Finished.

    Raises:
        SettingsError, DataError: the data or the settings cannot be trained with; before the first event.
    """
    state = start if isinstance(start, TrainState) else new_state(config, start)
    for event in train_in_turns(data, config, state, validation, should_stop):
        if not isinstance(event, Pause):
            yield event


def index_to_train_on(data: ImageSet, twin: TwinNetwork) -> ClassIndex:
    """The images of each class.

    Raises:
        DataError, SettingsError: the network cannot be trained on them.
    """
    refuse_wrong_size(data, twin)
    return ClassIndex(data.labels, data.class_names)


def train_in_turns(
    data: ImageSet,
    config: TrainConfig,
    state: TrainState,
    validation: ImageSet | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    earlier: Sequence[TrainEvent] = (),
) -> Iterator[TrainEvent | Pause]:
    """As ``train``, but also yields a Pause where several runs can take turns.

    ``Pause.BATCH`` comes after each batch and its events, and after a test that is made before the next
    batch: the first one, or one that a stop broke off. Only then may the state be saved.

    Args:
        data, config, validation, should_stop: as ``train``.
        state: to go on from.
        earlier: the events of the run before it was interrupted, for its verdicts.
    """
    index = index_to_train_on(data, state.twin)
    test, note = _plan_evaluation(config, validation)
    started = _started(state, config, data, index, note)
    yield started

    course = _Course(
        [*earlier, started],
        sum(isinstance(event, Step) for event in earlier),
        next((e for e in reversed(earlier) if isinstance(e, Verdict)), None),
    )
    stopped = False
    if test:
        stopped = yield from _make_missing_test(state, config, test, course, should_stop)
    stopped = state.team.agree(stopped)
    while state.step < config.steps and not stopped:
        report = _train_batch(state, data, index, config, course)
        news: list[TrainEvent] = [report] if report else []
        # Where the weights are lost, more batches will not mend them.
        stopped = report is not None and not math.isfinite(report.loss)
        if test and not stopped and _is_test_due(state, config):
            outcome = yield from _test_now(state, test, should_stop)
            stopped = outcome is None
            if outcome is not None:
                news.append(outcome.event)
        last = state.step == config.steps
        yield from _judged(course, news, at_once=last or stopped)
        yield Pause.BATCH
        stopped = state.team.agree(stopped or (not last and should_stop()))
    if len(state.before) and len(state.latest):
        yield _compare(state)
    yield Finished(state.step, state.seconds, stopped)


@dataclass(eq=False)
class _Course:
    """How a run has gone so far, which its Step events and verdicts go by.

    Attributes:
        seen: its events but the verdicts since it was begun or resumed.
        n_reports: Step events among them.
        verdict: the latest.
        n_images: through the backbone since the last Step event.
        seconds: of training since then.
    """

    seen: list[TrainEvent]
    n_reports: int
    verdict: Verdict | None
    n_images: int = 0
    seconds: float = 0.0


def _make_missing_test(
    state: TrainState,
    config: TrainConfig,
    test: _PlannedTest,
    course: _Course,
    should_stop: Callable[[], bool],
) -> Generator[TrainEvent | Pause, None, bool]:
    """The test that is missing before the next batch, if any: the first one, or one that a stop broke off.

    Returns:
        whether the run is to stop.
    """
    if config.evaluate_first and state.step == 0 and not len(state.before):
        outcome = yield from _evaluate(state, test, should_stop)
        if outcome is not None:
            state.before = torch.from_numpy(outcome.episode_accuracy)
            course.seen.append(outcome.event)
            yield outcome.event
    elif state.tested_at < state.step and _is_test_due(state, config):
        outcome = yield from _test_now(state, test, should_stop)
        if outcome is not None:
            yield from _judged(course, [outcome.event], at_once=state.step == config.steps)
    else:
        return False
    yield Pause.BATCH
    return outcome is None


def _train_batch(
    state: TrainState, data: ImageSet, index: ClassIndex, config: TrainConfig, course: _Course
) -> Step | None:
    """Train one batch; the report of those since the last one, where it is due."""
    began = time.perf_counter()
    numbers, n_images = train_step(state, data, index, config)
    state.window.append(numbers)
    report = state.step in (1, config.steps) or _is_due(state.step, config.report_every)
    means = torch.stack(state.window).mean(0).tolist() if report else []  # waits for a GPU
    spent = time.perf_counter() - began
    course.n_images, course.seconds = course.n_images + n_images, course.seconds + spent
    state.seconds += spent
    if not report:
        return None
    loss, *statistics = means
    lr, rate = learning_rate_at(config, state.step - 1), course.n_images / course.seconds
    state.window, course.n_images, course.seconds = [], 0, 0.0
    return Step(state.step, loss, lr, rate, state.seconds, *statistics)


def _judged(course: _Course, news: Sequence[TrainEvent], at_once: bool) -> list[TrainEvent]:
    """The news, and behind them a verdict: where it is another one than before, or ``at_once`` any."""
    course.seen += news
    course.n_reports += sum(isinstance(event, Step) for event in news)
    if not news or not (at_once or _is_due(course.n_reports, max(1, course.n_reports // _JUDGED_EACH))):
        return list(news)
    verdict = judge(course.seen)
    if course.verdict is not None and verdict.kind == course.verdict.kind and not at_once:
        return list(news)
    course.verdict = verdict
    return [*news, verdict]


def _is_test_due(state: TrainState, config: TrainConfig) -> bool:
    return state.step == config.steps or _is_due(state.step, config.evaluate_every)


def _is_due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _started(state: TrainState, config: TrainConfig, data: ImageSet, index: ClassIndex, note: str) -> Started:
    notes = [note]
    if config.pairing == "all" and config.batch_classes > len(index):
        notes.append(f"{len(index)} classes in a batch instead of {config.batch_classes}.")
    return Started(
        step=state.step,
        steps=config.steps,
        device=describe_device(state.device),
        bf16=state.bf16,
        n_images=len(data),
        n_classes=len(index),
        n_parameters=sum(p.numel() for p in state.twin.parameters() if p.requires_grad),
        note=" ".join(note for note in notes if note),
        loss=config.loss,
    )


def train_step(
    state: TrainState, data: ImageSet, index: ClassIndex, config: TrainConfig
) -> tuple[Tensor, int]:
    """One batch: draw, augment, embed once, compare, learn.

    Returns:
        float32 ``(4,)`` on the device (reading it would wait for a GPU): the loss, and the three numbers of
        ``batch_statistics``; and how many images went through the backbone, here and in the other processes
        of the team.

    Raises:
        SettingsError: the batch has fewer images than the team has processes.
    """
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate_at(config, state.step)
    rows, slots, first, second, difference = draw_batch(index, config, state.sampler)
    if len(rows) < state.team.size:
        raise SettingsError(
            f"A batch of {len(rows)} images cannot be shared by {state.team.size} processes. Take larger "
            "batches (--batch-classes, --batch-images) or fewer processes."
        )
    share = state.team.share(len(rows))
    images = to_unit(data.images[rows[share]], state.device)
    images = as_new_classes(images, slots, config.augment, state.generator, share)
    images = augment(images, config.augment, state.generator, len(rows), share)
    with autocast(state.device, state.bf16):
        own = state.embed(normalise(images, state.twin.config))
    embeddings = state.team.gather(own, len(rows))
    judged = pair_loss(state.twin, embeddings, slots, first, second, difference, config)
    state.optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(judged.minimised)
    state.optimiser.step()
    state.step += 1
    statistics = batch_statistics(embeddings, judged.logits, difference.to(embeddings.device))
    return torch.cat([judged.loss.detach()[None], statistics]), len(rows)


@torch.no_grad()
def batch_statistics(embeddings: Tensor, logits: Tensor, difference: Tensor) -> Tensor:
    """What a verdict goes by beside the loss; a dozen small operations, nothing next to a batch.

    Args:
        embeddings: float ``(B, D)``.
        logits: float ``(n_pairs,)``.
        difference: float ``(n_pairs,)`` of 0 and 1.

    Returns:
        float ``(3,)``: ``logit_std``, ``separation`` and ``embedding_spread`` as ``Step`` explains them.
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


@dataclass(frozen=True, eq=False)
class PairLoss:
    """The loss of one batch.

    Attributes:
        loss: float scalar, the loss that the settings name; what a curve shows.
        minimised: float scalar, what the step follows: the same, or with the head's own fit added.
        logits: float ``(n_pairs,)``, the head's.
    """

    loss: Tensor
    minimised: Tensor
    logits: Tensor


def pair_loss(
    twin: TwinNetwork,
    embeddings: Tensor,
    slots: Tensor,
    first: Tensor,
    second: Tensor,
    difference: Tensor,
    config: TrainConfig,
) -> PairLoss:
    """The loss of a batch that ``draw_batch`` made.

    The contrastive and the triplet loss move the backbone alone, and meanwhile the head learns by BCE to
    read those embeddings, without moving them: so every checkpoint gives logits that compare and calibrate
    alike, whatever it was trained with.
    """
    difference = difference.to(embeddings.device)
    slots = slots.to(embeddings.device)
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


@dataclass(frozen=True, eq=False)
class _PlannedTest:
    data: ImageSet
    config: EpisodeConfig


@dataclass(frozen=True, eq=False)
class _Outcome:
    event: Evaluation
    episode_accuracy: Float64Array


def evaluation_images(validation: ImageSet) -> ImageSet:
    """The images that a run is tested on: the first few of each class."""
    rows = np.concatenate(
        [
            np.flatnonzero(validation.labels == label)[:MAX_EVALUATION_IMAGES_PER_CLASS]
            for label in np.unique(validation.labels)
        ]
    )
    return validation.rows(rows)


def _plan_evaluation(config: TrainConfig, validation: ImageSet | None) -> tuple[_PlannedTest | None, str]:
    """The test, where there can be one, and what is to be said of it."""
    if validation is None:
        return None, "no validation classes, so no N-way K-shot test, and no limit for “unknown”."
    tested = evaluation_images(validation)
    try:
        episodes, note = fit_ways(config.evaluation, tested.labels)
    except DataError as error:  # no reason not to train
        return None, f"no N-way K-shot test: {error}"
    if validation.n_classes < CLASSES_FOR_UNKNOWN:
        note += f" No limit for “unknown”: it takes {CLASSES_FOR_UNKNOWN} classes to test on."
    return _PlannedTest(tested, episodes), note.strip()


def _test_now(
    state: TrainState, test: _PlannedTest, should_stop: Callable[[], bool]
) -> Generator[Pause, None, _Outcome | None]:
    """As ``_evaluate``, and the state has it as its latest test."""
    outcome = yield from _evaluate(state, test, should_stop)
    if outcome is not None:
        state.latest, state.tested_at = torch.from_numpy(outcome.episode_accuracy), state.step
    return outcome


def _evaluate(
    state: TrainState, test: _PlannedTest, should_stop: Callable[[], bool]
) -> Generator[Pause, None, _Outcome | None]:
    """Test the network, in turns; none where the run is to stop meanwhile."""
    embedding = embed_in_turns(state.twin, test.data.images)
    while True:
        began = time.perf_counter()
        try:
            next(embedding)
        except StopIteration as end:
            embeddings: Tensor = end.value
            break
        finally:
            state.seconds += time.perf_counter() - began
        yield Pause.WITHIN
        if should_stop():
            return None
    began = time.perf_counter()
    with _answering(state.twin):
        result = evaluate(state.twin, embeddings, test.data.labels, test.config)
        loss = _validation_loss(state.twin, embeddings, test.data.labels)
    state.seconds += time.perf_counter() - began
    state.evaluated = embeddings
    n_way, n_shot, n_episodes = test.config.n_way, test.config.n_shot, test.config.n_episodes
    event = Evaluation(state.step, result.accuracy, result.ci95, n_way, n_shot, n_episodes, loss)
    return _Outcome(event, result.episode_accuracy)


def embed_in_turns(twin: TwinNetwork, images: PixelArray) -> Generator[Pause, None, Tensor]:
    """As ``embed_images`` for a network that is being trained, with a Pause after every few images.

    Args:
        twin: the network; at each Pause it is in training mode again.
        images: uint8 ``(N, S, S, 3)``, N at least 1.

    Returns:
        float32 ``(N, D)`` on the CPU.
    """
    parts = []
    for first in range(0, len(images), _IMAGES_A_TURN):
        with _answering(twin):
            parts.append(embed_images(twin, images[first : first + _IMAGES_A_TURN]))
        yield Pause.WITHIN
    return torch.cat(parts)


@contextmanager
def _answering(twin: TwinNetwork) -> Iterator[None]:
    """In evaluation mode for a moment."""
    twin.eval()
    try:
        yield
    finally:
        training_mode(twin)


def _validation_loss(twin: TwinNetwork, embeddings: Tensor, labels: IntArray) -> float:
    """Cross-entropy over all pairs of at most ``MAX_LOSS_IMAGES`` images, evenly spaced."""
    rows = torch.arange(0, len(labels), -(-len(labels) // MAX_LOSS_IMAGES))
    chosen = embeddings[rows]
    first, second, difference = all_pairs(torch.from_numpy(labels)[rows])
    return float(bce_loss(pair_logits(twin, chosen, chosen)[first, second], difference))


def _compare(state: TrainState) -> Comparison:
    before, after = state.before.numpy(), state.latest.numpy()
    gain = after - before
    return Comparison(
        state.tested_at,
        float(before.mean()),
        ci95(before),
        float(after.mean()),
        ci95(after),
        float(gain.mean()),
        ci95(gain),
        len(gain),
    )


def refuse_wrong_size(data: ImageSet, twin: TwinNetwork) -> None:
    """Raise a DataError where there is no image, a SettingsError where the network takes another size."""
    if len(data) == 0:
        raise DataError("There are no images to train on. Choose a data set with at least 2 classes.")
    if data.size != twin.config.image_size:
        raise SettingsError(
            f"The images are {data.size} pixels wide and the network takes {twin.config.image_size}. "
            "Load the data at the network's size."
        )
