"""What stands where the network's answer will be, while it is awaited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from fsl.base.progress import Progress

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_WAITED = "few_shot_lab_waited"


@contextmanager
def waiting(text: str, key: str, height: int) -> Iterator[None]:
    """A spinner with words and, the first time in a session, the room of what follows.

    Later on what was drawn before keeps that room itself.

    Args:
        text: what is being done.
        key: of the place.
        height: of what follows, in pixels.
    """
    waited: set[str] = st.session_state.setdefault(_WAITED, set())
    with ExitStack() as stack:
        stack.enter_context(st.spinner(text))
        if key not in waited:
            stack.enter_context(st.skeleton(height))
        yield
    waited.add(key)


def reading_bar(place: DeltaGenerator) -> Progress:
    """A bar for the reading of pictures; in percent, as what is counted may be images, files or bytes.

    Args:
        place: an empty one, or a bar.
    """

    def report(done: int, total: int) -> None:
        if total:
            place.progress(done / total, f"Reading pictures: {done / total:.0%}")

    return report
