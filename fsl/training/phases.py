"""Tell what a run is doing while it reports no batch: testing, or embedding pictures."""

from __future__ import annotations

import time

from fsl.training.events import Pause, TrainEvent
from fsl.training.run_lock import RunLock
from fsl.training.state import TrainState

_EMBEDDING = "embedding pictures"
_PHASES = {Pause.TESTING: "testing", Pause.EMBEDDING: _EMBEDDING}
_SECONDS = 0.2  # between two updates of the same phase


class PhaseReport:
    """Writes the phase of a run next to its lock, when it changes and now and then.

    Args:
        lock: the lock on the run folder.
        state: the state of the run.
        n_images: number of training images.
    """

    def __init__(self, lock: RunLock, state: TrainState, n_images: int) -> None:
        self._lock, self._state, self._n_images = lock, state, n_images
        self._phase, self._written, self._at = "", "", 0.0

    def report(self, event: TrainEvent | Pause) -> None:
        """Write what the run does now, as its latest event or pause shows.

        Raises:
            WriteError: the disk is full, or the folder is gone.
        """
        phase = _PHASES.get(event, "") if isinstance(event, Pause) else ""
        if not phase and self._phase == _EMBEDDING and self._share() < 1:
            return  # the next batches need more pictures
        now = time.monotonic()
        if phase == self._phase and now - self._at < _SECONDS:
            return
        text = f"{phase}, {self._share():.0%}" if phase == _EMBEDDING else phase
        if text != self._written:
            self._lock.set_phase("running", text)
        self._phase, self._written, self._at = phase, text, now

    def _share(self) -> float:
        features = self._state.features
        return 1.0 if features is None else features.share_done(self._n_images)
