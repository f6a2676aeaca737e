"""Runs in the background of this process: a few at once, at low priority, stopped within a second.

One manager serves the whole process. Each job is a daemon thread; a job is one run, or several runs that are
compared and take turns batch by batch, so that their curves grow side by side. Everything about a run is in
its folder (``fsl.training.status``), so a manager in another process, or a later one, can list and resume it.

Jobs share the cores, so the number of threads of a run changes as others come and go, and with it the last
digits of its numbers. With the same number of threads they are the same bit for bit.
"""

from __future__ import annotations

import atexit
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

import torch

from fsl.base.environment import whole_number
from fsl.base.errors import DataError, SettingsError, WriteError
from fsl.base.files import write_atomically
from fsl.base.memory import trim_memory
from fsl.training.cores import ThreadShare, usable_cores
from fsl.training.job import QueuedRun, compute
from fsl.training.run_data import source_of
from fsl.training.run_folder import STOP, public_name
from fsl.training.run_lock import acquire
from fsl.training.run_plan import RunPlan, new_id, prepare_folder
from fsl.training.status import RunInfo, find_run, forget_runs, list_runs, read_run, run_folder, runs_root

MOST_AT_ONCE = 2
MOST_WAITING = 20
MOST_OF_A_VISITOR = 6


class RunManager:
    """Starts, stops and resumes runs; safe from threads.

    Args:
        root: the folder of runs; by default ``runs_root()`` at each call.
        most_at_once: number of jobs that compute at the same time; the others wait. Visitors take turns.
        most_of_a_visitor: number of jobs that one visitor may have, computing or waiting.

    Attributes:
        most_at_once, most_of_a_visitor: as given; may be changed.
        cores: the cores that all jobs share: all of the machine's, or fewer if OMP_NUM_THREADS says so.
    """

    def __init__(
        self,
        root: Path | None = None,
        most_at_once: int = MOST_AT_ONCE,
        most_of_a_visitor: int = MOST_OF_A_VISITOR,
    ) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._waiting: deque[list[QueuedRun]] = deque()
        self._computing: list[list[QueuedRun]] = []
        self._threads: list[threading.Thread] = []
        self._guests = 0
        self.most_at_once = most_at_once
        self.most_of_a_visitor = most_of_a_visitor
        self.cores = min(usable_cores(), torch.get_num_threads())

    @property
    def root(self) -> Path:
        """The folder of runs."""
        return self._root or runs_root()

    def start(self, plan: RunPlan) -> str:
        """Start a run, or queue it if ``most_at_once`` jobs are computing.

        Returns:
            its id, the name of its folder.

        Raises:
            DataError, WriteError, SettingsError: too many runs are waiting, the folder cannot be written, or
                the settings are impossible on this machine.
        """
        return self.start_together([plan])[0]

    def start_together(self, plans: Sequence[RunPlan]) -> list[str]:
        """Start runs that are compared: they take turns batch by batch. Raises the same as ``start``.

        Returns:
            their ids, in the order of the plans.
        """
        with self._lock, ExitStack() as undo:
            self._refuse_more({plan.visitor for plan in plans})
            runs: list[QueuedRun] = []
            # No folder has the name of a group, so only chance can tell two groups of one second apart.
            group = new_id(self.root, has_secret=True) if len(plans) > 1 else ""
            for plan in plans:
                run = QueuedRun(prepare_folder(self.root, plan, group), visitor=plan.visitor)
                undo.callback(shutil.rmtree, run.folder, ignore_errors=True)
                undo.callback(run.release)
                runs.append(run)
            undo.pop_all()
            self._enqueue(runs)
            return [run.id for run in runs]

    def resume(self, run_id: str) -> None:
        """Resume a run that was stopped, interrupted or failed. Raises the same as ``resume_together``."""
        self.resume_together([run_id])

    def resume_together(self, run_ids: Sequence[str]) -> None:
        """Resume runs that were stopped, interrupted or failed; they take turns again, batch by batch.

        Raises:
            DataError: a run does not exist, is running or finished, or its images cannot be found; then none
                is resumed.
            CheckpointError: a state is damaged.
            WriteError: a folder cannot be written.
        """
        for run_id in run_ids:
            if not find_run(run_id, self.root).is_live:
                self.wait(run_id, timeout=30)  # if it was just stopped, it may still be saving
        with self._lock, ExitStack() as undo:
            self._refuse_more({find_run(run_id, self.root).visitor for run_id in run_ids})
            runs: list[QueuedRun] = []
            for run_id in run_ids:
                runs.append(self._locked_again(run_id))
                undo.callback(runs[-1].release)
            undo.pop_all()
            self._enqueue(runs)

    def _locked_again(self, run_id: str) -> QueuedRun:
        """Lock the folder of a run that is to be resumed."""
        info = find_run(run_id, self.root)
        if info.status == "finished":
            raise DataError(f"The run {info.name} has trained all batches. Start a new one to train more.")
        if info.config is None or info.model is None:
            raise DataError(f"The run {info.name} cannot be resumed: {' '.join(info.problems)}")
        lock = acquire(info.folder)
        try:
            source_of(info.folder)  # fails if its images cannot be found again
            (info.folder / STOP).unlink(missing_ok=True)  # an earlier request
            lock.set_phase("queued")
        except BaseException:
            lock.release()
            raise
        return QueuedRun(lock, visitor=info.visitor)

    def stop(self, run_id: str) -> None:
        """Ask a run to stop; it stops after its batch and leaves a checkpoint. A run that is over stays over.

        Raises:
            DataError: there is no such run.
            WriteError: another process trains it, and the request cannot be written.
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
        """Wait until a run of this process is over and its lock is released.

        Returns:
            False if it is not over after ``timeout`` seconds.
        """
        with self._lock:
            run = self._find(run_id)
        return run is None or run.over.wait(timeout)

    def delete(self, run_id: str) -> None:
        """Stop a run if it is running, and remove its folder.

        Raises:
            DataError: there is no such run, or another process trains it and does not stop.
            WriteError: the folder cannot be removed.
        """
        folder = run_folder(run_id, self.root)
        self.stop(run_id)
        self.wait(run_id, timeout=10)
        with acquire(folder):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise WriteError(folder, error, done="removed") from error
        forget_runs()

    def queue(self) -> tuple[int, tuple[str, ...]]:
        """Return the number of jobs that compute, and the ids of this process's waiting runs in order."""
        with self._lock:
            return len(self._computing), tuple(run.id for job in self._waiting for run in job)

    def taking_turns(self, run_id: str) -> int:
        """Return how many runs share a run's time, itself included; 1 if this process does not train it."""
        with self._lock:
            run = self._find(run_id)
            job = next((job for job in self._computing if run in job), [])
            return max(1, sum(not other.over.is_set() for other in job))

    @contextmanager
    def beside(self) -> Iterator[Callable[[], None]]:
        """Count the calling thread as one more job while it trains something else.

        Yields:
            a function that sets this thread's share of the cores; call it repeatedly.
        """
        threads = ThreadShare(self.share_of_cores, self.cores)
        with self._lock:
            self._guests += 1
        try:
            yield threads.adjust
        finally:
            with self._lock:
                self._guests -= 1
            threads.restore()

    def runs(self) -> list[RunInfo]:
        """Return every run in the folder, the latest first."""
        return list_runs(self.root)

    def close(self, timeout: float = 2.0) -> None:
        """Stop every run of this process, so that each saves its latest state, and wait for their threads."""
        with self._lock:
            runs = [run for job in (*self._waiting, *self._computing) for run in job]
            for run in runs:
                self._ask_to_stop(run)
        deadline = time.monotonic() + timeout
        for run in runs:
            run.over.wait(max(0.0, deadline - time.monotonic()))
        for thread in self._threads:  # a thread that is inside torch when the process ends would abort it
            thread.join(max(0.0, deadline - time.monotonic()))

    def _find(self, run_id: str) -> QueuedRun | None:
        # A run that is over stays in its job until the others are, and may have been resumed in another job.
        jobs = (*self._waiting, *self._computing)
        return next((run for job in jobs for run in job if run.id == run_id and not run.over.is_set()), None)

    def _ask_to_stop(self, run: QueuedRun) -> None:
        run.stop.set()
        if any(run in job for job in self._waiting):
            self._take_out(run)

    def _refuse_more(self, visitors: Collection[str]) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise SettingsError(
                f"{MOST_WAITING} runs are waiting already. Wait until some are done, or stop some."
            )
        own = Counter(job[0].visitor for job in (*self._waiting, *self._computing))
        if any(visitor and own[visitor] >= self.most_of_a_visitor for visitor in visitors):
            raise SettingsError(
                f"You have {self.most_of_a_visitor} experiments running or waiting already, the most for one "
                "person. Wait until some are done, or stop some."
            )

    def _enqueue(self, job: list[QueuedRun]) -> None:
        """Queue a job behind those of its visitor, so that visitors take turns."""
        visitor, place = job[0].visitor, len(self._waiting)
        before = Counter(other[0].visitor for other in self._computing)
        own = before[visitor] + sum(other[0].visitor == visitor for other in self._waiting)
        for position, other in enumerate(self._waiting):
            if other[0].visitor != visitor and before[other[0].visitor] > own:
                place = position
                break
            before[other[0].visitor] += 1
        self._waiting.insert(place, job)
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        while self._waiting and len(self._computing) < self.most_at_once:
            job = self._waiting.popleft()
            self._computing.append(job)
            name = f"run-{public_name(job[0].id)}"
            thread = threading.Thread(target=self._compute, args=(job,), name=name, daemon=True)
            thread.start()
            self._threads = [*(other for other in self._threads if other.is_alive()), thread]

    def _take_out(self, run: QueuedRun) -> None:
        """Take a stopped run out of the queue; it is over without a batch."""
        for job in list(self._waiting):
            if run in job:
                job.remove(run)
                if not job:
                    self._waiting.remove(job)
        run.cancel()

    def _compute(self, job: list[QueuedRun]) -> None:
        """Train the runs of one job; the target of its thread."""
        threads = ThreadShare(self.share_of_cores, self.cores)
        try:
            compute(list(job), threads)
        finally:
            with self._lock:
                self._computing.remove(job)
                self._begin_waiting()
            threads.restore()
            trim_memory()  # a run leaves no cycles, so the garbage collector need not stop the pages
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def share_of_cores(self) -> int:
        """Return the number of threads for each job, so that all jobs together do not exceed the cores."""
        return max(1, self.cores // max(1, len(self._computing) + self._guests))


@lru_cache(maxsize=1)
def run_manager() -> RunManager:
    """Return the manager of this process; its runs are stopped when the process ends normally.

    ``FSL_RUNS_AT_ONCE`` sets how many jobs compute at once, ``FSL_VISITOR_RUNS`` how many one visitor may
    have; the defaults are ``MOST_AT_ONCE`` and ``MOST_OF_A_VISITOR``.
    """
    manager = RunManager(
        most_at_once=max(1, whole_number("FSL_RUNS_AT_ONCE", MOST_AT_ONCE)),
        most_of_a_visitor=max(1, whole_number("FSL_VISITOR_RUNS", MOST_OF_A_VISITOR)),
    )
    atexit.register(manager.close)
    return manager
