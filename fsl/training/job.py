"""A job: one run, or several runs that are compared and take turns batch by batch, in one thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch

from fsl.base.errors import FslError, WriteError
from fsl.base.files import write_atomically
from fsl.base.progress import Progress
from fsl.config import ModelConfig, TrainConfig
from fsl.data.intake.listing import Problem
from fsl.data.query import DataSpec
from fsl.training.cores import LaterPriority, ThreadShare
from fsl.training.events import Finished, Pause, Step, TrainEvent
from fsl.training.run import run_training
from fsl.training.run_data import TrainingData, images_of, load_training_data
from fsl.training.run_folder import ERROR, EVENTS, LEFT_OUT, STOP, public_name, read_settings
from fsl.training.run_lock import RunLock
from fsl.training.run_log import EventLog
from fsl.training.run_observers import chosen_logs, observed
from fsl.training.run_spec import RunSpec
from fsl.training.status import read_run

_PROGRESS_SECONDS = 0.2
_MOST_AT_FIRST = 15.0  # seconds at usual priority, if a run has not reported a batch by then
_MOST_NAMED = 5  # files left out


@dataclass(eq=False)
class QueuedRun:
    """A run of this process that waits or computes.

    Attributes:
        lock: the lock on its folder.
        stop: set to ask the run to stop.
        over: set when the run is over and its lock is released.
        has_reported: whether it has reported a batch since it was started or resumed.
        visitor: who started it from a page; "" for the shell.
    """

    lock: RunLock
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    has_reported: bool = False
    visitor: str = ""

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.lock.folder

    @property
    def id(self) -> str:
        """The name of the run folder."""
        return self.folder.name

    @property
    def is_to_stop(self) -> bool:
        """Whether this process or another one has asked the run to stop."""
        return self.stop.is_set() or (self.folder / STOP).exists()

    def release(self) -> None:
        """Release the lock and mark the run as over; a second call does nothing."""
        self.lock.release()
        self.over.set()

    def cancel(self) -> None:
        """End a run that has not begun; it is logged as stopped."""
        _log_stopped(self)
        self.release()


def compute(runs: Sequence[QueuedRun], threads: ThreadShare) -> None:
    """Train runs in turns until all are over; each run's failure is kept in its own folder.

    Args:
        threads: the share of the cores that the job may use.
    """
    priority, began = LaterPriority(), time.monotonic()
    try:
        turns = [(run, _train(run, threads)) for run in runs if _begins(run)]
        while turns:
            turns = [(run, steps) for run, steps in turns if _take_turn(run, steps)]
            if time.monotonic() - began > _MOST_AT_FIRST or all(run.has_reported for run, _ in turns):
                priority.lower()
    finally:
        for run in runs:
            run.release()


class _Stopped(Exception):  # noqa: N818 - not an error: it ends the reading of images of a run that is to stop
    pass


def _train(run: QueuedRun, threads: ThreadShare) -> Iterator[TrainEvent | Pause]:
    """Load a run's images and train."""

    def is_to_stop() -> bool:
        threads.adjust()
        return run.is_to_stop

    threads.adjust()
    spec, model, data = _load(run.folder, _reading_progress(run))
    run.lock.set_phase("running", "building the network")
    yield Pause.WITHIN
    if is_to_stop():
        raise _Stopped
    events = run_training(run.lock, spec, data, model, resume=True, should_stop=is_to_stop)
    yield from observed(events, chosen_logs(), run.folder, spec.config, model)


def _load(folder: Path, progress: Progress) -> tuple[RunSpec, ModelConfig, TrainingData]:
    """Load the settings and the images of a run from its folder alone."""
    settings = read_settings(folder)
    config, model = TrainConfig.from_json(settings["train"]), ModelConfig.from_json(settings["model"])
    data = images_of(folder)
    if isinstance(data, DataSpec):
        data = load_training_data(data, model, config.seed, partial(_write_left_out, folder), progress)
    about = settings.get("about")
    about = {**about} if isinstance(about, dict) else {}
    about |= {"classes": data.train.class_names, "data": data.words, "validation": data.validation_words}
    return RunSpec.of(config, about), model, data


def _reading_progress(run: QueuedRun) -> Progress:
    """Return a progress callback that shows how much is read, and ends the reading if the run is to stop."""
    shown_at = 0.0
    run.lock.set_phase("running", "reading pictures")

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        if run.is_to_stop:
            raise _Stopped
        now = time.monotonic()
        if total and now - shown_at > _PROGRESS_SECONDS:
            shown_at = now
            # In percent, because these may be images, files or bytes.
            run.lock.set_phase("running", f"reading pictures, {done / total:.0%}")

    return show


def _begins(run: QueuedRun) -> bool:
    """Mark a run as running, before the first run of its job reads images; return whether that worked."""
    try:
        run.lock.set_phase("running")
    except WriteError as error:
        _write_error(run.folder, str(error))
        run.release()
        return False
    return True


def _take_turn(run: QueuedRun, steps: Iterator[TrainEvent | Pause]) -> bool:
    """Run until the next pause; return whether there is more to do."""
    try:
        for event in steps:
            run.has_reported |= isinstance(event, Step)
            if isinstance(event, Pause):
                return True
        message = ""
    except _Stopped:
        message = ""
        _log_stopped(run)
    except FslError as error:
        message = str(error)
    except torch.OutOfMemoryError:
        message = "The GPU has not enough free memory. Choose fewer images a batch, or smaller ones."
    except Exception as error:  # noqa: BLE001 - the outermost frame of the thread: an error would be lost
        message = f"The training broke off unexpectedly ({type(error).__name__}: {error})."
    if message:
        _write_error(run.folder, message)
    run.release()
    return False


def _write_error(folder: Path, message: str) -> None:
    try:
        (folder / ERROR).write_text(message + "\n", encoding="utf-8")
    except OSError as error:  # such as a full disk; the run is then listed as interrupted
        print(f"fsl: {public_name(folder.name)}: {message} ({error})", file=sys.stderr)


def _log_stopped(run: QueuedRun) -> None:
    """Log the end of a run that is stopped before its first batch since it was started or resumed."""
    done = read_run(run.folder).step
    try:
        with EventLog(run.folder / EVENTS) as log:
            log.write(Finished(done.step if done else 0, done.seconds if done else 0.0, stopped=True))
    except WriteError as error:
        _write_error(run.folder, str(error))


def _write_left_out(folder: Path, problems: Sequence[Problem]) -> None:
    """Write down which files of the data could not be used."""
    if not problems:
        return
    n_more = len(problems) - _MOST_NAMED
    named = [f"{problem.name}: {problem.reason}" for problem in problems[:_MOST_NAMED]]
    text = "\n".join([*named, *([f"and {n_more:,} more"] if n_more > 0 else [])])
    write_atomically(folder / LEFT_OUT, text.encode())
