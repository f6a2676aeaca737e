"""Placeholders while a network's answer or pictures are awaited."""

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
    """Show a spinner, and the first time in a session a placeholder of the same height as the result.

    Later on, the previous result keeps the space.

    Args:
        text: what is being done.
        key: name of the place.
        height: height of the result in pixels.
    """
    waited: set[str] = st.session_state.setdefault(_WAITED, set())
    # In one place whether there is a placeholder or not: were it an element more in the first run, all that
    # follows would be built anew in the second one, and a list would lose the focus and a key just pressed.
    place = st.empty()
    with ExitStack() as stack:
        with place.container():
            stack.enter_context(st.spinner(text))
            if key not in waited:
                stack.enter_context(st.skeleton(height))
        yield
    place.empty()
    waited.add(key)


def reading_bar(place: DeltaGenerator) -> Progress:
    """Return a progress bar for reading pictures, in percent: it may count images, files or bytes.

    Args:
        place: an empty element, or a bar.
    """

    def report(done: int, total: int) -> None:
        if total:
            place.progress(done / total, f"Reading pictures: {done / total:.0%}")

    return report
