"""Runs in the background of this process: few at once, at low priority, and stopped within a second.

One manager serves the whole process. Each job is a daemon thread; a job is one run, or several that are
compared and take turns batch by batch, so that their curves grow side by side. What a run is and does stands
in its folder (``fsl.training.status``): a manager in another process, or a later one, sees and resumes it.

Jobs share the cores, so the number of threads of a run changes as others come and go, and with it the last
digits of its numbers: they are the same bit for bit where the number of threads is.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from fsl.base.errors import CheckpointError, DataError, FslError, SettingsError, WriteError
from fsl.base.files import write_atomically
from fsl.base.memory import release_memory
from fsl.base.progress import Progress
from fsl.config import ModelConfig, TrainConfig
from fsl.data.intake.listing import Problem
from fsl.data.query import DataSpec
from fsl.training.engine import Pause
from fsl.training.events import Finished, TrainEvent
from fsl.training.run_data import (
    IMAGES,
    TrainingData,
    load_training_data,
    read_stored_images,
    source_of,
    store_images,
)
from fsl.training.run_lock import Owner, phase_of, take
from fsl.training.runs import (
    CHECKPOINT,
    ERROR,
    EVENTS,
    INHERITED,
    LEFT_OUT,
    STOP,
    VISITOR,
    EventLog,
    prepare_run,
    read_settings,
    run_in_turns,
)
from fsl.training.status import RunInfo, find_run, forget_runs, list_runs, read_run, run_folder, runs_root
from fsl.twin import checkpoint as checkpoints
from fsl.twin.network import TwinNetwork

NICENESS = 15
MOST_AT_ONCE = 2
MOST_WAITING = 20
_NOTE_SECONDS = 0.2
_CLOSING_SECONDS = 60.0
_MOST_NAMED = 5  # files left out
_NAME = re.compile(r"[\w][\w .()+-]{0,59}")


@dataclass(frozen=True, eq=False)
class RunPlan:
    """A run to start.

    Attributes:
        config: all settings.
        start: an architecture, or a network to fine-tune, of which a copy is taken.
        data: where the images are, or the images themselves, which are then kept in the run folder.
        name: for people; "" for the run's id.
        about: what the checkpoint's header shall say besides data and seed: "title", and what ``inherited``
            gives.
        visitor: an anonymous name of who starts it from a page, to whom it is then listed; "" for everybody.
    """

    config: TrainConfig
    start: ModelConfig | TwinNetwork
    data: DataSpec | TrainingData
    name: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    visitor: str = ""


@dataclass(eq=False)
class _Run:
    folder: Path
    owner: Owner
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def is_to_stop(self) -> bool:
        """Whether this process or another one asked for it."""
        return self.stop.is_set() or (self.folder / STOP).exists()


class RunManager:
    """Starts, stops and resumes runs; safe from threads.

    Args:
        root: the folder of runs; by default ``runs_root()`` at each call.
        most_at_once: jobs that compute at the same time; the others wait their turn.

    Attributes:
        most_at_once: as given; may be changed.
        cores: what all jobs share: those there are, or fewer where torch was told so (OMP_NUM_THREADS).
    """

    def __init__(self, root: Path | None = None, most_at_once: int = MOST_AT_ONCE) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._waiting: deque[list[_Run]] = deque()
        self._computing: list[list[_Run]] = []
        self._threads: list[threading.Thread] = []
        self._guests = 0
        self.most_at_once = most_at_once
        self.cores = min(usable_cores(), torch.get_num_threads())

    @property
    def root(self) -> Path:
        """The folder of runs."""
        return self._root or runs_root()

    def start(self, plan: RunPlan) -> str:
        """Start a run, or queue it while as many as may compute do.

        Returns:
            its id, the name of its folder.

        Raises:
            DataError, WriteError, SettingsError: too many wait already, the folder cannot be written, or
                the settings are impossible here.
        """
        return self.start_together([plan])[0]

    def start_together(self, plans: Sequence[RunPlan]) -> list[str]:
        """Start runs that are compared: they take turns, batch by batch. Raises as ``start``.

        Returns:
            their ids, in the order of the plans.
        """
        with self._lock:
            self._refuse_more()
            runs: list[_Run] = []
            # No folder has a group's name, so nothing but chance keeps two of one second apart.
            group = _new_id(self.root, has_secret=True) if len(plans) > 1 else ""
            try:
                for plan in plans:
                    runs.append(_prepare(self.root, plan, group))
            except BaseException:
                for run in runs:
                    run.owner.release()
                    shutil.rmtree(run.folder, ignore_errors=True)
                raise
            self._enqueue(runs)
            return [run.id for run in runs]

    def resume(self, run_id: str) -> None:
        """Go on with a run that was stopped, interrupted or failed. Raises as ``resume_together``."""
        self.resume_together([run_id])

    def resume_together(self, run_ids: Sequence[str]) -> None:
        """Go on with runs that were stopped, interrupted or failed; they take turns again, batch by batch.

        Raises:
            DataError: there is no such run, one is running or done, or its images are not to be found; then
                none goes on.
            CheckpointError: its state is damaged.
            WriteError: the folder cannot be written.
        """
        for run_id in run_ids:
            if not find_run(run_id, self.root).is_live:
                self.wait(run_id, timeout=30)  # just stopped, it may still be putting its results away
        with self._lock:
            self._refuse_more()
            runs: list[_Run] = []
            try:
                for run_id in run_ids:
                    runs.append(self._taken_again(run_id))
            except BaseException:
                for run in runs:
                    run.owner.release()
                raise
            self._enqueue(runs)

    def _taken_again(self, run_id: str) -> _Run:
        info = find_run(run_id, self.root)
        if info.status == "finished":
            raise DataError(f"The run {info.name} has done all its batches. Start a new one to train more.")
        if info.config is None or info.model is None:
            raise DataError(f"The run {info.name} cannot go on: {' '.join(info.problems)}")
        owner = take(info.folder)
        try:
            source_of(read_settings(info.folder).get("data", {}), info.folder)
            (info.folder / STOP).unlink(missing_ok=True)  # of before; one from now on counts
            owner.note("queued")
        except BaseException:
            owner.release()
            raise
        return _Run(info.folder, owner)

    def stop(self, run_id: str) -> None:
        """Ask a run to stop; it does within a batch, and leaves a checkpoint. One that is over stays so.

        Raises:
            DataError: there is no such run.
            WriteError: another process has it and cannot be told.
        """
        folder = run_folder(run_id, self.root)
        with self._lock:
            run = self._find(run_id)
            if run is not None:
                self._ask_to_stop(run)
                return
        if read_run(folder).is_live:
            write_atomically(folder / STOP, b"")

    def wait(self, run_id: str, timeout: float | None = None) -> bool:
        """Wait until a run of this process is over and its folder is let go of.

        Returns:
            whether it is, within ``timeout`` seconds.
        """
        with self._lock:
            run = self._find(run_id)
        return run is None or run.over.wait(timeout)

    def delete(self, run_id: str) -> None:
        """Stop a run if need be, and remove its folder.

        Raises:
            DataError: there is no such run, or another process has it and does not let go.
            WriteError: the folder cannot be removed.
        """
        folder = run_folder(run_id, self.root)
        self.stop(run_id)
        self.wait(run_id, timeout=10)
        with take(folder):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise WriteError(folder, error, done="removed") from error
        forget_runs()

    def queue(self) -> tuple[int, tuple[str, ...]]:
        """How many jobs compute now, and the ids of the runs of this process that wait, in their order."""
        with self._lock:
            return len(self._computing), tuple(run.id for job in self._waiting for run in job)

    def taking_turns(self, run_id: str) -> int:
        """How many runs share that one's time, itself included; 1 where this process does not train it."""
        with self._lock:
            run = self._find(run_id)
            job = next((job for job in self._computing if run in job), [])
            return max(1, sum(not other.over.is_set() for other in job))

    @contextmanager
    def beside(self) -> Iterator[Callable[[], None]]:
        """Train something else in this thread, which counts as one more job meanwhile.

        Yields:
            what takes this thread's share of the cores, to be called now and then.
        """
        threads = _Threads(self)
        with self._lock:
            self._guests += 1
        try:
            yield threads.adjust
        finally:
            with self._lock:
                self._guests -= 1
            threads.restore()

    def runs(self) -> list[RunInfo]:
        """Every run in the folder, the latest first."""
        return list_runs(self.root)

    def close(self, timeout: float = 2.0) -> None:
        """Stop every run of this process, so that each leaves its latest state, and let their threads end."""
        with self._lock:
            runs = [run for job in (*self._waiting, *self._computing) for run in job]
            for run in runs:
                self._ask_to_stop(run)
        deadline = time.monotonic() + timeout
        for run in runs:
            run.over.wait(max(0.0, deadline - time.monotonic()))
        for thread in self._threads:  # one that is at work in torch when the process ends would abort it
            thread.join(max(0.0, deadline - time.monotonic()))

    def _find(self, run_id: str) -> _Run | None:
        # One that is over stays with its siblings until they are, and may have been resumed in another job.
        jobs = (*self._waiting, *self._computing)
        return next((run for job in jobs for run in job if run.id == run_id and not run.over.is_set()), None)

    def _ask_to_stop(self, run: _Run) -> None:
        run.stop.set()
        if any(run in job for job in self._waiting):
            self._take_out(run)

    def _refuse_more(self) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise SettingsError(
                f"{MOST_WAITING} runs are waiting already. Wait until some are done, or stop some."
            )

    def _enqueue(self, job: list[_Run]) -> None:
        self._waiting.append(job)
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        while self._waiting and len(self._computing) < self.most_at_once:
            job = self._waiting.popleft()
            self._computing.append(job)
            name = f"run-{job[0].id}"
            thread = threading.Thread(target=self._compute, args=(job,), name=name, daemon=True)
            thread.start()
            self._threads = [*(other for other in self._threads if other.is_alive()), thread]

    def _take_out(self, run: _Run) -> None:
        """A queued run that is stopped is over without a batch."""
        for job in list(self._waiting):
            if run in job:
                job.remove(run)
                if not job:
                    self._waiting.remove(job)
        _note_stopped(run)
        _let_go(run)

    def _compute(self, job: list[_Run]) -> None:
        """The thread of one job."""
        lower_priority()
        threads = _Threads(self)
        try:
            turns = [(run, self._turns(run, threads)) for run in list(job) if _begins(run)]
            while turns:
                turns = [(run, steps) for run, steps in turns if _take_turn(run, steps)]
        finally:
            for run in job:
                _let_go(run)
            with self._lock:
                self._computing.remove(job)
                self._begin_waiting()
            threads.restore()
            release_memory()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _turns(self, run: _Run, threads: _Threads) -> Iterator[TrainEvent | Pause]:
        """Load a run's images and train."""

        def to_stop() -> bool:
            threads.adjust()
            return run.is_to_stop

        threads.adjust()
        config, model, about, data = _load(run.folder, _Reading(run))
        run.owner.note("running", "building the network")
        yield Pause.WITHIN
        yield from run_in_turns(
            run.folder,
            data.train,
            config,
            model,
            about=about,
            validation=data.validation,
            resume=True,
            should_stop=to_stop,
            owner=run.owner,
        )

    def share_of_cores(self) -> int:
        """Threads for each job, so that all that compute now do not exceed the cores together."""
        return max(1, self.cores // max(1, len(self._computing) + self._guests))


class _Stopped(Exception):  # noqa: N818 - no error: it leaves the reading of images for a run that is to stop
    pass


class _Reading:
    """Progress of reading a run's images: noted for those who watch, and broken off where it is to stop."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._noted = 0.0
        run.owner.note("running", "reading pictures")

    def __call__(self, done: int, total: int) -> None:
        if self._run.is_to_stop:
            raise _Stopped
        now = time.monotonic()
        if total and now - self._noted > _NOTE_SECONDS:
            self._noted = now
            # In percent, as these may be images, files or bytes.
            self._run.owner.note("running", f"reading pictures, {done / total:.0%}")


class _Threads:
    """The torch threads of one job's thread, adjusted as jobs come and go.

    ``torch.set_num_threads`` holds for the calling thread (and for threads that first use torch later), but
    only once that thread has looked the number up: the first look-up takes over the process's latest.
    """

    def __init__(self, manager: RunManager) -> None:
        self._manager = manager
        self._number = torch.get_num_threads()

    def adjust(self) -> None:
        """Take this job's share."""
        self._set(self._manager.share_of_cores())

    def restore(self) -> None:
        """Leave threads that come later all cores."""
        self._set(self._manager.cores)

    def _set(self, number: int) -> None:
        if number != self._number:
            torch.set_num_threads(number)
            self._number = number


@lru_cache(maxsize=1)
def run_manager() -> RunManager:
    """The manager of this process; its runs are stopped properly when the process ends properly.

    As many jobs compute at once as ``FSL_RUNS_AT_ONCE`` says, else ``MOST_AT_ONCE``.
    """
    wish = os.environ.get("FSL_RUNS_AT_ONCE", "")
    manager = RunManager(most_at_once=max(1, int(wish)) if wish.isdecimal() else MOST_AT_ONCE)
    atexit.register(manager.close)
    return manager


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def lower_priority() -> None:
    """Let everything else go first; the threads that torch makes for this one inherit it. Linux only."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(now, NICENESS))


def plan_like(
    run: RunInfo, learning_rate: float, start: ModelConfig | TwinNetwork, name: str, visitor: str = ""
) -> RunPlan:
    """A run like another in everything but its learning rate.

    Args:
        run: the other one.
        learning_rate: of the new one.
        start: what the other one began with.
        name: of the new one.
        visitor: as ``RunPlan``, of the new one.

    Raises:
        DataError: the other one's settings or images cannot be read.
    """
    if run.config is None:
        raise DataError(f"The settings of the run {run.name} cannot be read. {' '.join(run.problems)}")
    source = source_of(read_settings(run.folder).get("data", {}), run.folder)
    data = read_stored_images(source) if isinstance(source, Path) else source
    about = {key: value for key, value in run.about.items() if key in ("title", *INHERITED)}
    return RunPlan(replace(run.config, learning_rate=learning_rate), start, data, name, about, visitor)


def save_as(run_id: str, name: str, root: Path | None = None) -> Path:
    """Keep a run's checkpoint under a name, by which every page and command finds it at once.

    A run that is just over is waited for, as its network is still being calibrated.

    Args:
        run_id: the run.
        name: letters, digits, spaces, ``. ( ) + -`` and ``_``; at most 60.
        root: the folder of runs; by default ``runs_root()``.

    Returns:
        the new file.

    Raises:
        SettingsError: the name cannot be used, or is taken.
        CheckpointError: the run has no checkpoint.
        WriteError: it cannot be written.
        DataError: there is no such run, or its calibration takes longer than a minute.
    """
    name = name.strip()
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise SettingsError(
            "A checkpoint's name has 1 to 60 letters, digits, spaces or . _ - + ( ), beginning with a letter "
            "or digit."
        )
    if name.casefold() in {taken.casefold() for taken in checkpoints.available()}:
        raise SettingsError(f"There is a checkpoint {name!r} already. Choose another name.")
    info = find_run(run_id, root)
    if not info.has_checkpoint:
        raise CheckpointError(f"The run {info.name} has no checkpoint yet.")
    _wait_until_put_away(info)
    loaded = checkpoints.load(info.folder / CHECKPOINT)
    path = checkpoints.user_folder() / f"{name}{checkpoints.SUFFIX}"
    checkpoints.save(path, loaded.twin, replace(loaded.info, name=name, title=loaded.info.title or name))
    return path


def _wait_until_put_away(info: RunInfo) -> None:
    deadline = time.monotonic() + _CLOSING_SECONDS
    while phase_of(info.folder) == "closing":
        if time.monotonic() > deadline:
            raise DataError(f"The network of {info.name} is still being calibrated. Try again in a minute.")
        time.sleep(_NOTE_SECONDS)


def _begins(run: _Run) -> bool:
    """Say that a run is on, as none waits for other jobs while the first of its own reads its images."""
    try:
        run.owner.note("running")
    except WriteError as error:
        _note_error(run.folder, str(error))
        _let_go(run)
        return False
    return True


def _take_turn(run: _Run, steps: Iterator[TrainEvent | Pause]) -> bool:
    """One batch and its events, or a part of a longer work; whether there is more to come.

    A failure is the run's own, and is kept.
    """
    try:
        for event in steps:
            if isinstance(event, Pause):
                return True
        message = ""
    except _Stopped:
        message = ""
        _note_stopped(run)
    except FslError as error:
        message = str(error)
    except torch.OutOfMemoryError:
        message = "The GPU has not enough free memory. Choose fewer images a batch, or smaller ones."
    except Exception as error:  # noqa: BLE001 - the thread's outermost frame: what is not kept here is lost
        message = f"The training broke off unexpectedly ({type(error).__name__}: {error})."
    if message:
        _note_error(run.folder, message)
    _let_go(run)
    return False


def _note_error(folder: Path, message: str) -> None:
    try:
        (folder / ERROR).write_text(message + "\n", encoding="utf-8")
    except OSError as error:  # a full disk, say; the run is then listed as interrupted
        print(f"fsl: {folder.name}: {message} ({error})", file=sys.stderr)


def _note_stopped(run: _Run) -> None:
    """Log the end of a run that is stopped before the first batch since it was started or resumed."""
    done = read_run(run.folder).step
    try:
        with EventLog(run.folder / EVENTS) as log:
            log.write(Finished(done.step if done else 0, done.seconds if done else 0.0, stopped=True))
    except WriteError as error:
        _note_error(run.folder, str(error))


def _let_go(run: _Run) -> None:
    run.owner.release()
    run.over.set()


def _new_id(root: Path, has_secret: bool) -> str:
    """A run's id that sorts by time: "20260131-142501", with "-2" and so on where there is one already.

    With the id of somebody's run others can open it, so it must not be guessed: "20260131-142501-5f0c1b9e".
    """
    stamp = time.strftime("%Y%m%d-%H%M%S") + (f"-{secrets.token_hex(4)}" if has_secret else "")
    number, run_id = 1, stamp
    while (root / run_id).exists():
        number += 1
        run_id = f"{stamp}-{number}"
    return run_id


def _prepare(root: Path, plan: RunPlan, group: str) -> _Run:
    """The folder of a run that is to be queued."""
    folder = root / _new_id(root, has_secret=bool(plan.visitor))
    owner = take(folder)
    try:
        source: dict[str, Any]
        words: dict[str, Any]
        if isinstance(plan.data, DataSpec):
            source, words = plan.data.to_json(), {"data": plan.data.data or plan.data.recipe}
        else:
            source, words = {"file": IMAGES}, {"data": plan.data.words}
            store_images(folder, plan.data)
        about = {**words, "seed": plan.config.seed, **plan.about, "name": plan.name, "group": group}
        if plan.visitor:
            write_atomically(folder / VISITOR, plan.visitor.encode())
        owner.note("queued")
        prepare_run(folder, plan.config, plan.start, about, source)
    except BaseException:
        owner.release()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _Run(folder, owner)


def _load(folder: Path, progress: Progress) -> tuple[TrainConfig, ModelConfig, dict[str, Any], TrainingData]:
    """Settings and images of a run, from its folder alone."""
    settings = read_settings(folder)
    config, model = TrainConfig.from_json(settings["train"]), ModelConfig.from_json(settings["model"])
    source = source_of(settings.get("data", {}), folder)
    if isinstance(source, Path):
        data = read_stored_images(source)
    else:
        data = load_training_data(source, model, config.seed, partial(_note_left_out, folder), progress)
    about = settings.get("about")
    about = {**(about if isinstance(about, dict) else {}), "classes": list(data.train.class_names)}
    about |= {"data": data.words, "validation": data.validation_words}
    return config, model, about, data


def _note_left_out(folder: Path, problems: Sequence[Problem]) -> None:
    """Keep which files a run does without, for those who look at it."""
    if not problems:
        return
    n_more = len(problems) - _MOST_NAMED
    named = [f"{problem.name}: {problem.reason}" for problem in problems[:_MOST_NAMED]]
    text = "\n".join([*named, *([f"and {n_more:,} more"] if n_more > 0 else [])])
    write_atomically(folder / LEFT_OUT, text.encode())
