"""The event log of a run: write, read and follow ``events.jsonl``."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from fsl.base.errors import DataError, WriteError
from fsl.base.files import write_atomically
from fsl.base.text import count
from fsl.training.events import Comparison, Evaluation, Finished, TrainEvent, from_json, to_json
from fsl.training.run_lock import RESUMABLE
from fsl.training.state import TrainState


class EventLog:
    """The growing ``events.jsonl`` of a run; a context manager.

    Args:
        path: the file; it is created if needed.

    Raises:
        WriteError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # Unbuffered: after a full disk nothing must be left that closing would try to write again.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, event: TrainEvent) -> None:
        """Append an event.

        Raises:
            WriteError: the disk is full, or the folder is gone.
        """
        line = json.dumps(to_json(event)).encode() + b"\n"
        try:
            written = self._file.write(line)
        except OSError as error:
            raise self._failure(error) from error
        if written != len(line):
            raise self._failure(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _failure(self, error: OSError) -> WriteError:
        return WriteError(self._path, error, RESUMABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class EventReader:
    """Reads a growing ``events.jsonl``, each line once; safe from threads.

    Damaged lines are skipped and counted. A last line without a line end is still being written, so the next
    call reads it. A file that a resumed run has rewritten is read from its start.

    Args:
        path: the file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._reset(0)

    def _reset(self, inode: int) -> None:
        self._inode, self._offset, self._events, self._damaged = inode, 0, list[TrainEvent](), 0

    def read(self) -> tuple[Sequence[TrainEvent], int]:
        """Return all events so far, and the number of damaged lines."""
        with self._lock:
            try:
                with self._path.open("rb") as file:
                    now = os.fstat(file.fileno())
                    if now.st_ino != self._inode or now.st_size < self._offset:
                        self._reset(now.st_ino)
                    file.seek(self._offset)
                    data = file.read()
            except OSError:
                self._reset(0)
                return [], 0
            found, n_damaged, end = _parse(data)
            self._events += found
            self._damaged += n_damaged
            self._offset += end
            return list(self._events), self._damaged


def read_events(path: Path) -> list[TrainEvent]:
    """Return the events of a run so far; a last line that is still being written is left out.

    Raises:
        DataError: the file cannot be read, or a line is damaged.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    events, n_damaged, _ = _parse(data)
    if n_damaged:
        raise DataError(f"{path} is damaged ({count(n_damaged, 'line')}). Start a new run.")
    return events


def _parse(data: bytes) -> tuple[list[TrainEvent], int, int]:
    """Return the events of whole lines, the number of damaged lines, and where the last whole line ends."""
    events: list[TrainEvent] = []
    end = data.rfind(b"\n") + 1
    lines = data[:end].splitlines()
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            events.append(from_json(json.loads(line)))
    return events, len(lines) - len(events), end


def drop_events_after(path: Path, state: TrainState) -> list[TrainEvent]:
    """Remove the events that a resumed run will produce again.

    These are the events after the saved state, the end of a run with its comparison, and a test of the very
    network that was saved if the state does not hold its result.

    Returns:
        the events that remain.
    """
    if not path.exists():  # killed between its first save and its first event
        return []
    has_test = state.tested_at == state.step if state.step else len(state.before) > 0
    kept: list[TrainEvent] = []
    for event in read_events(path):
        if isinstance(event, Evaluation) and event.step == state.step and not has_test:
            break
        if event.step <= state.step and not isinstance(event, Finished | Comparison):
            kept.append(event)
    lines = "".join(json.dumps(to_json(event)) + "\n" for event in kept)
    write_atomically(path, lines.encode())
    return kept
