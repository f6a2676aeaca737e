"""The training engine: an iterator of events, repeatable for a seed on one device at one precision."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.batch import Batch, draw_batch, index_to_train_on, learning_rate_at, require_size
from fsl.training.class_ridge import fit_class_scores
from fsl.training.events import Finished, Pause, Started, Step, TrainEvent, Verdict
from fsl.training.in_use import with_probe
from fsl.training.interrupt import train_unless_stopped
from fsl.training.prepare import drop_features_too_large, fit_adapter
from fsl.training.state import TrainState, new_state
from fsl.training.validation import (
    PlannedTest,
    TestResult,
    compare_with_start,
    plan_test,
    run_test,
    timed,
)
from fsl.training.verdict import judge
from fsl.twin.device import describe_device
from fsl.twin.network import TwinNetwork
from fsl.twin.pairs import ClassIndex

# From twice as many reports on, a run is judged only when their number has grown by a hundredth: each verdict
# reads all reports, so judging at every one would take quadratic time.
_REPORTS_JUDGED_EACH = 100
T = TypeVar("T")


def train(
    data: ImageSet,
    config: TrainConfig,
    start: ModelConfig | TwinNetwork | TrainState,
    validation: ImageSet | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    earlier: Sequence[TrainEvent] = (),
) -> Iterator[TrainEvent | Pause]:
    """Train a twin network and yield events that report its progress.

    Iterating drives the training, which also ends when the loss is no longer a number. To keep the trained
    network, create a state with ``new_state``, pass it as ``start`` and read ``state.twin``.

    Args:
        data: images to train on, of the network's input size.
        start: an architecture, a network to copy, or a state to continue from.
        validation: images of other classes to test on, of the same size; None for no tests.
        should_stop: called after every batch, within long ones and during tests; return True to end the run
            with ``Finished(stopped=True)``.
        earlier: the events of the run before it was interrupted, which its verdicts take into account.

    Yields:
        Started; then Step, Evaluation and Verdict events (a verdict when it changes and at the end); a
        Comparison if the settings ask for one and there was a test; and Finished. A Pause comes wherever
        several runs can take turns: ``Pause.BATCH`` after a batch or a test and its events, where the state
        may be saved, and ``Pause.WITHIN`` during a test.

    Raises:
        SettingsError, DataError: the data or the settings cannot be trained with; before the first event.
    """
    state = start if isinstance(start, TrainState) else new_state(config, start)
    index = index_to_train_on(data, state.twin)
    if validation is not None:
        require_size(validation, state.twin, "validation images")
    drop_features_too_large(state, data)
    test, note = plan_test(config, validation)
    started = _started(state, config, data, index, note)
    yield started
    run = _Run(state, data, index, config, test, should_stop, [*earlier, started])
    stopped = yield from run.train_batches()
    comparison = compare_with_start(state)
    if comparison and test:
        full = yield from timed(state, with_probe(comparison, state, data, test), should_stop)
        yield full or comparison
    yield Finished(state.step, state.seconds, stopped)


@dataclass(eq=False)
class _Run:
    """A run while it trains, and its course so far, from which Step events and verdicts are made.

    Attributes:
        state: the state, which training changes.
        data: images to train on.
        index: rows of each class among them.
        config: settings of the run.
        test: the test that it repeats; None for no tests.
        should_stop: see ``train``.
        events: its events since it began.
        n_images: images embedded since the last Step event.
        seconds: training time since then.
        n_reports: number of Step events so far.
        verdict: the latest verdict.
    """

    state: TrainState
    data: ImageSet
    index: ClassIndex
    config: TrainConfig
    test: PlannedTest | None
    should_stop: Callable[[], bool]
    events: list[TrainEvent]
    n_images: int = 0
    seconds: float = 0.0
    n_reports: int = field(init=False)
    verdict: Verdict | None = field(init=False)

    def __post_init__(self) -> None:
        self.n_reports = sum(isinstance(event, Step) for event in self.events)
        self.verdict = next((e for e in reversed(self.events) if isinstance(e, Verdict)), None)

    def train_batches(self) -> Generator[TrainEvent | Pause, None, bool]:
        """Train and test until the last batch or a stop; return whether the run was stopped."""
        state, config = self.state, self.config
        stopped = yield from self._make_missing_test()
        stopped = stopped or not (yield from self._timed(fit_adapter(state, self.data)))
        stopped = state.group.any(stopped)
        while state.step < config.steps and not stopped:
            before = state.sampler.bit_generator.state
            batch = draw_batch(self.index, config, state.sampler)
            is_done = yield from self._embed_frozen(batch)
            if not is_done or not self._train_batch(batch):
                state.sampler.bit_generator.state = before  # so that a resumed run draws this batch again
                return True
            report = self._report_if_due()
            news: list[TrainEvent] = [report] if report else []
            # Once the weights are lost, more batches do not help.
            stopped = report is not None and not math.isfinite(report.loss)
            if self.test and not stopped and self._is_test_due():
                result = yield from self._run_scheduled_test(self.test)
                stopped = result is None
                if result is not None:
                    news.append(result.event)
            last = state.step == config.steps
            if last and not (self.test or stopped):
                stopped = not (yield from self._timed(fit_class_scores(state, self.data)))
            yield from self._with_verdict(news, at_once=last or stopped)
            yield Pause.BATCH
            stopped = state.group.any(stopped or (not last and self.should_stop()))
        return stopped

    def _make_missing_test(self) -> Generator[TrainEvent | Pause, None, bool]:
        """Make the test that is missing before the next batch: the first one, or one that a stop interrupted.

        Returns:
            whether the run is to stop.
        """
        state = self.state
        if self.test is None:
            return False
        if self.config.evaluate_first and state.step == 0 and not len(state.before):
            result = yield from run_test(state, self.test, self.should_stop)
            if result is not None:
                state.before = torch.from_numpy(result.episode_accuracy)
                state.pictures_before = torch.from_numpy(result.picture_accuracy)
                self.events.append(result.event)
                yield result.event
        elif state.tested_at < state.step and self._is_test_due():
            result = yield from self._run_scheduled_test(self.test)
            if result is not None:
                yield from self._with_verdict([result.event], at_once=state.step == self.config.steps)
        else:
            return False
        yield Pause.BATCH
        return result is None

    def _run_scheduled_test(self, test: PlannedTest) -> Generator[Pause, None, TestResult | None]:
        """Test the network and keep the result as the latest test; first finish an adapter, if due."""
        state = self.state
        if state.step == self.config.steps:
            is_done = yield from self._timed(fit_class_scores(state, self.data))
            if not is_done:
                return None
        result = yield from run_test(state, test, self.should_stop)
        if result is not None:
            state.latest, state.tested_at = torch.from_numpy(result.episode_accuracy), state.step
            state.pictures_latest = torch.from_numpy(result.picture_accuracy)
        return result

    def _embed_frozen(self, batch: Batch) -> Generator[Pause, None, bool]:
        """Compute the features that a batch needs, if any are kept; return False if the run is to stop."""
        state = self.state
        if state.features is None:
            return True
        before = state.seconds
        done = yield from self._timed(state.features.compute(self.data, batch.rows, batch.views))
        self.seconds += state.seconds - before
        return bool(done)

    def _timed(self, work: Generator[Pause, None, T]) -> Generator[Pause, None, T | None]:
        return timed(self.state, work, self.should_stop)

    def _train_batch(self, batch: Batch) -> bool:
        """Train one batch; return False if the run is to stop, which then has not trained it."""
        state, began = self.state, time.perf_counter()
        trained = train_unless_stopped(state, self.data, batch, self.config, self.should_stop)
        spent = time.perf_counter() - began
        self.seconds, state.seconds = self.seconds + spent, state.seconds + spent
        if trained is None:
            return False
        numbers, n_images = trained
        state.window.append(numbers)
        self.n_images += n_images
        return True

    def _report_if_due(self) -> Step | None:
        """Return the report of the batches since the last one, or None if it is not due."""
        state, config = self.state, self.config
        if not (state.step in (1, config.steps) or _is_due(state.step, config.report_every)):
            return None
        began = time.perf_counter()
        loss, *statistics = torch.stack(state.window).mean(0).tolist()  # waits for a GPU
        waited = time.perf_counter() - began
        state.seconds += waited
        images_per_second = self.n_images / (self.seconds + waited)
        state.window, self.n_images, self.seconds = [], 0, 0.0
        lr = learning_rate_at(config, state.step - 1)
        return Step(state.step, loss, lr, images_per_second, state.seconds, *statistics)

    def _with_verdict(self, news: Sequence[TrainEvent], at_once: bool) -> list[TrainEvent]:
        """Return the news, followed by a verdict if it has changed or if ``at_once`` is set."""
        self.events += news
        self.n_reports += sum(isinstance(event, Step) for event in news)
        judge_every = max(1, self.n_reports // _REPORTS_JUDGED_EACH)
        if not news or not (at_once or _is_due(self.n_reports, judge_every)):
            return list(news)
        verdict = judge(self.events)
        if self.verdict is not None and verdict.kind == self.verdict.kind and not at_once:
            return list(news)
        self.verdict = verdict
        self.events.append(verdict)
        return [*news, verdict]

    def _is_test_due(self) -> bool:
        step, config = self.state.step, self.config
        return step == config.steps or _is_due(step, config.evaluate_every)


def _is_due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _started(state: TrainState, config: TrainConfig, data: ImageSet, index: ClassIndex, note: str) -> Started:
    notes = [note]
    if config.pairing == "all" and config.batch_classes > len(index):
        notes.append(f"Each batch has {len(index)} classes, because the data has only {len(index)}.")
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
