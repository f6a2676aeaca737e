"""Keep a run folder up to date while its run trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import fsl
from fsl.base.files import write_atomically
from fsl.config import TrainConfig
from fsl.training.best import best_test
from fsl.training.calibration import Measurements
from fsl.training.events import Evaluation, Pause, Saved, Started, TrainEvent, to_json
from fsl.training.frozen_features import FrozenFeatures
from fsl.training.run_folder import BEST, CHECKPOINT, STATE, public_name
from fsl.training.run_log import EventLog
from fsl.training.snapshots import Recorder
from fsl.training.state import TrainState, dump_state
from fsl.twin import checkpoint as checkpoints
from fsl.twin.header import CheckpointInfo
from fsl.twin.network import TwinNetwork

SAVE_EVERY = 50  # batches, if the run makes no tests, after which it would be saved


class RunWriter:
    """Logs the events of a run, and saves its checkpoint, state and snapshots.

    Args:
        state: its state, which training changes.
        about: what the checkpoint's header says about the run.
        earlier: the events in the log.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        state: TrainState,
        about: Mapping[str, Any],
        recorder: Recorder,
        log: EventLog,
        earlier: Sequence[TrainEvent],
    ) -> None:
        self._folder, self._state, self.about = folder, state, about
        self._recorder, self._log = recorder, log
        self._save_every = config.evaluate_every or SAVE_EVERY
        self._has_started = any(isinstance(event, Started) for event in earlier)
        self._evaluation = next((e for e in reversed(earlier) if isinstance(e, Evaluation)), None)
        self.best = best_test(earlier)
        self._saved_at, self._is_save_due = state.step, False

    @property
    def twin(self) -> TwinNetwork:
        """The network being trained."""
        return self._state.twin

    @property
    def features(self) -> FrozenFeatures | None:
        """The stored outputs of its frozen layers; None if they are not stored."""
        return self._state.features

    def write(self, event: TrainEvent | Pause) -> Iterator[TrainEvent | Pause]:
        """Log an event and yield it; at the end of a batch first save what is due, and yield ``Saved``."""
        if event is Pause.BATCH:
            # After all events of the batch, so that a resumed run lacks none of them.
            if self._is_save_due or self._state.step - self._saved_at >= self._save_every:
                self._saved_at, self._is_save_due = self._state.step, False
                yield from map(self.log, self.save(as_best=self._is_best))
            self._recorder.record_between(self._state)
        elif isinstance(event, Evaluation):
            self._evaluation, self._is_save_due = event, True
            self.best = best_test([event] if self.best is None else [self.best, event])
            self._recorder.record(event.step, self._state.evaluated)
        if not isinstance(event, Pause) and not (isinstance(event, Started) and self._has_started):
            self.log(event)
        yield event

    @property
    def _is_best(self) -> bool:
        """Whether the latest test is of the network as it is now, and the best so far."""
        return self.best is not None and self.best.step == self._state.step

    def keep_resumed_if_best(self) -> None:
        """Keep the network of a resumed run, before training changes it, if its test is the best so far.

        A run that ended at its best test has no file of the best network besides its checkpoint.
        """
        if self._is_best:
            self.save_best()

    def return_to_best(self) -> bool:
        """Load the weights of the best test into the network.

        Returns:
            False if they are the last ones, or if no file holds them; a file with others is removed.

        Raises:
            CheckpointError: the file is damaged.
        """
        path = self._folder / BEST
        if self.best is not None and not self._is_best and path.exists():
            kept = checkpoints.load(path)
            if kept.info.training.get("steps_done") == self.best.step:
                self.twin.load_state_dict(kept.twin.state_dict())
                return True
        path.unlink(missing_ok=True)
        return False

    def save_best(self, measured: Measurements | None = None) -> None:
        """Save the network as the best, with the results of its calibration if it has been calibrated."""
        assert self.best is not None
        about = {**self.about, "steps_done": self.best.step}
        info = header_of(self._folder.name, self.twin, about, self.best, measured)
        checkpoints.save(self._folder / BEST, self.twin, info)

    def log(self, event: TrainEvent) -> TrainEvent:
        """Write an event to the log and return it."""
        self._log.write(event)
        return event

    def save(self, measured: Measurements | None = None, as_best: bool = False) -> list[TrainEvent]:
        """Save checkpoint and state; see ``save_run``."""
        return save_run(self._folder, self._state, self.about, self._evaluation, measured, as_best)


def save_run(
    folder: Path,
    state: TrainState,
    about: Mapping[str, Any],
    evaluation: Evaluation | None = None,
    measured: Measurements | None = None,
    as_best: bool = False,
) -> list[TrainEvent]:
    """Save the checkpoint and the state of a run.

    Args:
        as_best: whether the checkpoint is also that of the best test so far.

    Returns:
        one ``Saved``; empty if the weights are no longer numbers, in which case nothing is saved.

    Raises:
        WriteError: a file cannot be written.
    """
    if not all(bool(torch.isfinite(values).all()) for values in state.twin.state_dict().values()):
        return []
    about = {**about, "steps_done": state.step, "seconds": round(state.seconds, 1)}
    info = header_of(folder.name, state.twin, about, evaluation, measured)
    checkpoints.save(folder / CHECKPOINT, state.twin, info)
    if as_best:
        # Before the state: a run that is killed in between repeats this test, and with it this file.
        write_atomically(folder / BEST, (folder / CHECKPOINT).read_bytes())
    write_atomically(folder / STATE, dump_state(state))
    return [Saved(state.step, CHECKPOINT)]


def header_of(
    name: str,
    twin: TwinNetwork,
    about: Mapping[str, Any],
    evaluation: Evaluation | None,
    measured: Measurements | None,
) -> CheckpointInfo:
    """Return the header of a run's checkpoint."""
    info = CheckpointInfo(
        name=public_name(name),
        model=twin.config,
        title=str(about.get("title", "")),
        training=dict(about),
        metrics={"validation": to_json(evaluation)} if evaluation else {},
        licence=str(about.get("licence", "")),
        subject="person" if about.get("subject") == "person" else "thing",
        version=fsl.__version__,
    )
    if measured is not None:
        info = replace(info, calibrations=measured.calibrations, pairs=measured.pairs)
        if measured.calibrations:
            best = max(measured.calibrations, key=lambda calibration: calibration.accuracy or 0.0)
            info = replace(info, rule=best.rule)
    return info
