"""Run a page's long task in a thread of its own, and show its progress until the result is there.

Streamlit stops a page's script at every click and page change. A task in its own thread is not stopped. The
page keeps the ``Work`` in its session state, so it starts each task once and finds the result later.

A task takes one argument, ``report``, and returns its result. It must not call Streamlit: the page takes the
result over in a run of its own script.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Collection, Hashable
from typing import Any, Generic, TypeVar

import streamlit as st

from fsl.base.errors import FslError
from fsl.base.progress import Progress
from fsl.ui.components.session import session_id
from fsl.ui.shared.escape import markdown
from fsl.ui.shared.guard import UNEXPECTED

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.5
_EXIT_SECONDS = 2.0
PATIENCE_SECONDS = 0.4
"""How long a page waits for new work before it shows a progress bar, which would only flash by then."""

ReportProgress = Callable[[float | None, str], None]
"""Called by a task with the share done, in [0, 1] or None if unknown, and a sentence in plain text."""

T = TypeVar("T")


class CancelledError(Exception):
    """Raised by ``report`` inside a task that was cancelled."""


class Work(Generic[T]):
    """A task in a thread of its own.

    Attributes:
        inputs: what the result depends on.
        session: id of the browser session that started it, "" outside of one.
        share: the share done, in [0, 1]; None if unknown.
        text: what it is doing, plain text.
        fault: why it failed, "" if it did not.
        is_cancelled: whether it ended because it was cancelled.
    """

    def __init__(self, task: Callable[[ReportProgress], T], inputs: Hashable = None) -> None:
        """Start a task.

        Args:
            task: called with ``report`` in the new thread.
            inputs: what the result depends on.
        """
        self.inputs = inputs
        self.session = session_id()
        self.share: float | None = 0.0
        self.text = ""
        self.fault = ""
        self.is_cancelled = False
        self._results: list[T] = []
        self._cancel, self._over = threading.Event(), threading.Event()
        self._started = time.monotonic()
        _RUNNING.add(self)
        threading.Thread(target=self._run, args=(task,), name="page-work", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended: it has a result, failed or was cancelled."""
        return self._over.is_set()

    @property
    def has_result(self) -> bool:
        """Whether it ended with a result."""
        return self.is_over and bool(self._results)

    @property
    def was_given_up(self) -> bool:
        """Whether it was asked to stop before it had a result."""
        return self._cancel.is_set() and not self.has_result

    def cancel(self) -> None:
        """Ask the task to stop; it does so when it next reports its progress."""
        self._cancel.set()
        self.text = "Stopping"

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, but no longer than that; return whether it is over."""
        return self._over.wait(seconds)

    def wait_at_first(self) -> bool:
        """Wait as long as new work is given before its progress is shown; return whether it is over."""
        return self.wait(max(0.0, self._started + PATIENCE_SECONDS - time.monotonic()))

    def result(self) -> T:
        """Return what the task returned.

        Raises:
            FslError: the task failed.
            CancelledError: it was cancelled, or is not over.
        """
        if self.fault:
            raise FslError(self.fault)
        if not self.has_result:
            raise CancelledError
        return self._results[0]

    def _report(self, share: float | None, text: str) -> None:
        if self._cancel.is_set():
            raise CancelledError
        self.share, self.text = share, text

    def _run(self, task: Callable[[ReportProgress], T]) -> None:
        try:
            self._results.append(task(self._report))
        except CancelledError:
            self.is_cancelled = True
        except FslError as error:
            self.fault = str(error)
        except Exception:  # noqa: BLE001 - as in guard.py: logged here, and told on the page
            _LOG.exception("Unexpected error in a page's work")
            self.fault = UNEXPECTED
        finally:
            _RUNNING.discard(self)
            self._over.set()


class Latest(Generic[T]):
    """The latest work of one kind, replaced when its inputs change."""

    def __init__(self) -> None:
        self.work: Work[T] | None = None
        self._is_told = False

    def of(self, inputs: Hashable, task: Callable[[ReportProgress], T]) -> Work[T]:
        """Return the work on these inputs, started now unless it is there already.

        Failed work is started once more after its fault was shown, so that a click tries again.
        """
        work = self.work
        if work is None or work.inputs != inputs or work.is_cancelled or (work.fault and self._is_told):
            self.cancel()
            work = self.work = Work(task, inputs)
            self._is_told = False
        return work

    def result(self, inputs: Hashable, task: Callable[[ReportProgress], T]) -> T | None:
        """Return the result for these inputs, or show the progress and return None.

        After None the caller leaves out what needs the result; the page runs again once it is there.

        Raises:
            FslError: the task failed.
        """
        work = self.of(inputs, task)
        if not work.wait_at_first():
            show_progress(work)
            return None
        self._is_told = True
        return work.result()

    def cancel(self) -> None:
        """Cancel the work and forget its result."""
        if self.work is not None:
            self.work.cancel()
        self.work = None


def percent_done(report: ReportProgress, text: str) -> Progress:
    """Return a callback for (done, total) that reports a sentence with the percentage done."""

    def progress(done: int, total: int) -> None:
        share = done / total if total else 0.0
        report(share, f"{text}: {share:.0%}")

    return progress


def show_progress(work: Work[T], more: Callable[[], None] | None = None) -> None:
    """Show how far work is, again and again; run the whole page again when it is over.

    Args:
        work: not over yet.
        more: draws what there is to see meanwhile, below the progress.
    """
    st.fragment(_draw, run_every=_POLL_SECONDS)(work, more)


def show_waiting(work: Work[T], text: str) -> None:
    """Show a sentence until work is over; run the whole page again then."""
    st.fragment(_draw_waiting, run_every=_POLL_SECONDS)(work, text)


def _draw_waiting(work: Work[T], text: str) -> None:
    if work.is_over:
        st.rerun()
    st.caption(text)


def _draw(work: Work[T], more: Callable[[], None] | None) -> None:
    if work.is_over:
        st.rerun()
    if work.share is None:
        st.info(markdown(work.text), icon=":material/hourglass_top:")
    else:
        st.progress(min(1.0, work.share), markdown(work.text))
    if more is not None:
        more()


_RUNNING: set[Work[Any]] = set()
"""Work that is not over, of all sessions."""


def hand_over_work(before: str, after: str) -> None:
    """Let the work of one session go on as that of another, which shows the same tab of the browser.

    Args:
        before: id of the former session; "" changes nothing.
        after: id of the session that shows the tab now.
    """
    for work in list(_RUNNING):
        if before and work.session == before:
            work.session = after


def cancel_ended(sessions: Collection[str]) -> None:
    """Cancel the work of all sessions but those, given by their ids."""
    for work in list(_RUNNING):
        if work.session not in sessions:
            work.cancel()


def _cancel_all() -> None:
    """Let the threads end: one that is inside torch when the process ends would abort it."""
    cancel_ended(())
    deadline = time.monotonic() + _EXIT_SECONDS
    for work in list(_RUNNING):
        work.wait(max(0.0, deadline - time.monotonic()))


atexit.register(_cancel_all)
