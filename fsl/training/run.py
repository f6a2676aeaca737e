"""Train in a run folder, from the first batch or from where an earlier process stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsl
from fsl.base.errors import DataError
from fsl.base.files import write_atomically
from fsl.config import ModelConfig, TrainConfig
from fsl.data.imageset import ImageSet
from fsl.training.batch import index_to_train_on
from fsl.training.calibration import measure_with_pauses
from fsl.training.distributed import SINGLE, ProcessGroup
from fsl.training.engine import train
from fsl.training.events import Finished, Pause, TrainEvent
from fsl.training.phases import PhaseReport
from fsl.training.resume import check_resumable, restore
from fsl.training.run_data import TrainingData
from fsl.training.run_folder import CONFIG, ERROR, EVENTS, IMAGES, STATE, STOP
from fsl.training.run_lock import RunLock, acquire
from fsl.training.run_log import EventLog
from fsl.training.run_spec import RunSpec
from fsl.training.run_writer import RunWriter, save_run
from fsl.training.snapshots import Recorder
from fsl.training.state import TrainState, load_state, new_state, require_state
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork


def run_training(
    where: Path | RunLock,
    spec: RunSpec,
    data: TrainingData,
    start: ModelConfig | TwinNetwork,
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    group: ProcessGroup = SINGLE,
) -> Iterator[TrainEvent | Pause]:
    """Train, keeping the run folder up to date.

    The state is saved before the first batch, every few batches and at the end, so a run that was killed
    continues with the same numbers as an uninterrupted one. The checkpoint can always be loaded: weights that
    are no longer numbers are not saved. At the end it is saved at once, and again once it is calibrated.

    Args:
        where: the run folder, which is created if needed, or the lock on it if the caller holds it and has
            removed earlier requests to stop. The lock is released at the end.
        spec: settings and description of the run. A resumed run keeps the command that began it.
        data: images to train on and to test on.
        start: an architecture, or a network to train further.
        resume: continue from the folder's state with the same settings; only the device may differ, and at a
            constant learning rate there may be more batches.
        should_stop: called after every batch, within long ones and during tests; return True to stop.
        group: the processes that train together; this one has rank 0.

    Yields:
        the events and pauses of ``train``, and a ``Saved`` after each save.

    Raises:
        DataError: the folder holds a run and ``resume`` is off, there is nothing to resume, or another
            process is writing it.
        WriteError: the folder cannot be written.
        CheckpointError: its state is damaged.
        SettingsError: the run was begun with other settings or classes.
    """
    with _lock_folder(where, resume) if isinstance(where, Path) else where as lock:
        state = new_state(spec.config, start, group)
        about, earlier = _begin_or_resume(lock.folder, spec, data, state, resume)
        yield from _train_and_save(lock, data, spec.config, state, about, earlier, should_stop)


def follow_training(
    folder: Path,
    spec: RunSpec,
    data: TrainingData,
    start: ModelConfig | TwinNetwork,
    group: ProcessGroup,
    *,
    resume: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train as a process of another rank than 0: compute a share of every batch and write no file.

    Args:
        folder: the run folder, from which the state to resume is read.
        spec, data, start, group, resume, should_stop: the same as rank 0 passes to ``run_training``.

    Raises:
        DataError, CheckpointError: there is no state to resume from, or it is damaged.
        SettingsError: the run was begun with other settings or classes.
    """
    state = new_state(spec.config, start, group)
    if resume:
        check_resumable(folder, spec, state.twin.config)
        load_state(folder / STATE, state)
    for _ in train(data.train, spec.config, state, should_stop=should_stop):
        pass


def prepare_run(folder: Path, spec: RunSpec, state: TrainState) -> None:
    """Write everything of a run except its training to its locked folder; it is then resumed from batch 0.

    Raises:
        DataError: the folder already holds a run.
        WriteError: it cannot be written.
    """
    if (folder / EVENTS).exists():
        raise DataError(
            f"{folder} already holds a run. Continue it (--resume), or name another folder (--run-dir)."
        )
    source = {"file": IMAGES} if spec.has_stored_images else spec.source.to_json() if spec.source else {}
    settings = {
        "train": spec.config.to_json(),
        "model": state.twin.config.to_json(),
        "about": spec.about,
        "data": source,
        "version": fsl.__version__,
        "begun": time.time(),
    }
    write_atomically(folder / CONFIG, json.dumps(settings, indent=1).encode())
    save_run(folder, state, spec.about)


def with_start(spec: RunSpec, start: str, info: CheckpointInfo) -> RunSpec:
    """Return the spec of a run that trains an existing network further.

    Args:
        start: name of the network.
        info: its checkpoint's header, from which subject, licence and learned classes are taken over.
    """
    return replace(
        spec, start=start, subject=info.subject, licence=info.licence, start_classes=tuple(info.classes_seen)
    )


def _lock_folder(folder: Path, resume: bool) -> RunLock:
    """Lock a run folder and remove an earlier request to stop."""
    if resume:
        require_state(folder / STATE)  # before the folder is created
    lock = acquire(folder)
    (folder / STOP).unlink(missing_ok=True)
    return lock


def _begin_or_resume(
    folder: Path, spec: RunSpec, data: TrainingData, state: TrainState, resume: bool
) -> tuple[dict[str, Any], list[TrainEvent]]:
    """Return what the checkpoint's header says about the run, and its earlier events."""
    if resume:
        check_resumable(folder, spec, state.twin.config)
        return restore(folder, spec, state)
    index_to_train_on(data.train, state.twin)  # refuses bad data before anything is written
    prepare_run(folder, spec, state)
    return spec.about, []


def _train_and_save(
    lock: RunLock,
    data: TrainingData,
    config: TrainConfig,
    state: TrainState,
    about: Mapping[str, Any],
    earlier: Sequence[TrainEvent],
    should_stop: Callable[[], bool],
) -> Iterator[TrainEvent | Pause]:
    """Train from ``state`` on, and write the events, the snapshots and the network to the locked folder."""
    folder = lock.folder

    def is_to_stop() -> bool:
        return should_stop() or (folder / STOP).exists()

    lock.set_phase("running")
    (folder / ERROR).unlink(missing_ok=True)
    recorder = Recorder(
        folder, data.validation, config, 0 if state.features is not None else state.twin.config.views
    )
    if not config.evaluate_first:  # else the first test records it
        recorder.record_between(state)
    phase = PhaseReport(lock, state, len(data.train))
    with EventLog(folder / EVENTS) as log:
        writer = RunWriter(folder, config, state, about, recorder, log, earlier)
        writer.keep_resumed_if_best()
        for event in train(data.train, config, state, data.validation, is_to_stop, earlier):
            if isinstance(event, Finished):
                yield from _finish(writer, lock, event, data)
            else:
                phase.report(event)
                yield from writer.write(event)


def _finish(
    writer: RunWriter, lock: RunLock, event: Finished, data: TrainingData
) -> Iterator[TrainEvent | Pause]:
    """Save the run at once, and again after its network has been calibrated."""
    saved = writer.save()
    writer.log(event)  # first, so that a run that is being calibrated is listed by how it ended
    lock.set_phase("closing", "calibrating")
    yield event
    validation = data.validation
    if saved and validation is not None:
        name = str(writer.about.get("validation", ""))
        familiar = not _learned_classes(data.train, writer.about).isdisjoint(validation.class_names)
        measured = yield from measure_with_pauses(writer.twin, validation, name, familiar, writer.features)
        saved = writer.save(measured)
        if writer.return_to_best():
            writer.save_best(
                (yield from measure_with_pauses(writer.twin, validation, name, familiar, writer.features))
            )
    yield from map(writer.log, saved)


def _learned_classes(data: ImageSet, about: Mapping[str, Any]) -> set[str]:
    """Return the names of all classes that the network has learned, before this run and in it."""
    before = about.get("start_classes", ())
    without_set = {name.partition("/")[2] for name in before}  # "orl/s3" if sets were combined
    return {*data.class_names, *before, *without_set}
