"""Progress callback for long-running work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total); an exception that it raises ends the work."""


def progress_of_part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Return a callback that reports one of several equal parts as progress of the whole.

    Args:
        progress: callback for the whole; None if nobody wants to know.
        number: which part, from 0.

    Returns:
        the callback for the part; None if ``progress`` is None.
    """
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, parts * total)
