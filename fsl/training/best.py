"""Which moment of a run to use: that of its best test, if training made the network better at all."""

from __future__ import annotations

from collections.abc import Iterable

from fsl.training.events import Evaluation, TrainEvent, Verdict

_ALMOST_ALL = 0.98  # of a test's answers
_LEARNED_NOTHING = ("stalled", "collapsed", "diverged")


def best_test(events: Iterable[TrainEvent]) -> Evaluation | None:
    """Return the best test after the first batch, the earliest of equals; None if there was none."""
    tests = [event for event in events if isinstance(event, Evaluation) and event.step > 0]
    return max(tests, key=lambda test: (test.accuracy, -test.step), default=None)


def little_to_gain(before: Evaluation | None, start: str) -> str:
    """Return a sentence if the starting network passes the test as it is, else "".

    Args:
        before: its test before the first batch, if it made one.
        start: its name; "" for random weights.
    """
    if not start or before is None or before.step or before.accuracy < _ALMOST_ALL:
        return ""
    return (
        f"{start} gives {before.accuracy:.1%} of the right answers without training, so there is little to "
        "gain."
    )


def why_not_to_use(
    verdict: Verdict | None, before: Evaluation | None, best: Evaluation | None, start: str
) -> str:
    """Return why a run's network is not worth using, "" if it is.

    Args:
        verdict: the verdict on the run.
        before: its test before the first batch, if it made one.
        best: its best test after it, if it made one.
        start: name of the network it started from; "" for random weights.
    """
    if verdict is not None and verdict.kind in _LEARNED_NOTHING:
        return "This run has learned nothing, so there is no network to use."
    if before is None or best is None or best.accuracy > before.accuracy:
        return ""
    keep = f"Keep {start}." if start else "Try another rate, or more batches."
    return f"No test after the first batch was better than the one before it. {keep}"
