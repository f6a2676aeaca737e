"""How far a long work is: what it calls now and then, so that somebody can be shown."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with what is done and with all there is to do; what it raises ends the work."""


def progress_of_part(progress: Progress | None, number: int, parts: int) -> Progress | None:
    """Progress of one of several equal parts as progress of the whole.

    Args:
        progress: of the whole; none for none.
        number: the part, from 0.
        parts: how many there are.
    """
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, parts * total)
