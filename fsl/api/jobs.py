"""Threads that work on requests, and the bounded queue in front of them."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.types import Receive

from fsl.api.errors import try_again
from fsl.base.progress import Progress

T = TypeVar("T")
_FULL = "The server is busy with other requests. Try again in a second."


class StoppedError(Exception):
    """Raised by a job's progress callback when nobody waits for its result."""


@dataclass(eq=False)
class _Job(Generic[T]):
    """One request's work.

    Attributes:
        work: what to do; it reports its progress.
        result: what it returns or raises.
        stop: set when nobody waits for the result.
    """

    work: Callable[[Progress], T]
    result: Future[T] = field(default_factory=Future)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        if not self.result.set_running_or_notify_cancel():
            return
        try:
            self._report(0, 0)
            self.result.set_result(self.work(self._report))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is awaited
            self.result.set_exception(error)

    def _report(self, done: int, total: int) -> None:
        if self.stop.is_set():
            raise StoppedError


class Jobs:
    """A fixed number of threads, started with the first job.

    Args:
        n_threads: jobs that run at once.
        most_waiting: jobs that may wait for a thread.
    """

    def __init__(self, n_threads: int, most_waiting: int) -> None:
        self._n_threads = n_threads
        self._queue: queue.Queue[_Job[object]] = queue.Queue(most_waiting)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._running = 0

    @property
    def waiting(self) -> int:
        """Return how many jobs wait for a thread."""
        return self._queue.qsize()

    @property
    def running(self) -> int:
        """Return how many jobs run."""
        return self._running

    def refuse_if_full(self) -> None:
        """Refuse a request before its body is read.

        Raises:
            ApiError: 503, too many jobs wait.
        """
        if self._queue.full():
            raise try_again(_FULL)

    async def run(self, work: Callable[[Progress], T], receive: Receive) -> T:
        """Do the work of a request in a thread, and stop it if the client hangs up.

        Args:
            work: called with a progress callback, which raises ``StoppedError`` once the client is gone.
            receive: of the request, whose body was read.

        Raises:
            ApiError: 503, too many jobs wait.
            StoppedError: the client is gone.
        """
        job = _Job(work)
        self._put(job)
        result = asyncio.ensure_future(asyncio.wrap_future(job.result))
        gone = asyncio.ensure_future(_hung_up(receive))
        waited: list[asyncio.Future[T] | asyncio.Future[None]] = [result, gone]
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                job.stop.set()
            return await result  # also after a hang-up: the job may still be reading the uploads
        finally:
            job.stop.set()
            gone.cancel()

    def _put(self, job: _Job[T]) -> None:
        try:
            self._queue.put_nowait(job)  # type: ignore[arg-type]  # nobody reads a result from the queue
        except queue.Full:
            raise try_again(_FULL) from None
        with self._lock:
            while len(self._threads) < self._n_threads:
                # Daemons, so that a long job does not keep a server that is stopped from ending.
                thread = threading.Thread(target=self._serve, name=f"api-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self) -> None:
        while True:
            job = self._queue.get()
            with self._lock:
                self._running += 1
            job.run()
            del job  # its pictures are not kept until the next one comes
            with self._lock:
                self._running -= 1


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
