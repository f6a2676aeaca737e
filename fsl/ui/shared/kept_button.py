"""Buttons whose click is not lost, for what only the body of a page can do.

A click with a callback (``guarded_callback``) is never lost, but a callback runs before the page is drawn: it
can neither draw nor use what the page makes of the latest settings. Streamlit tells the body of a click in
one run only, and another event may end that run before it gets there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from fsl.ui.shared.guard import guarded_button
from fsl.ui.shared.per_session import per_session

_pressed = per_session("few_shot_lab_pressed", set[str])


@contextmanager
def kept_button(label: str, key: str, **look: Any) -> Iterator[bool]:
    """Show a button, and tell the block whether it was pressed.

    If another event ends the block early, the next run of the page gives True again. So whatever must not be
    done twice comes last in the block, and in one piece (``undivided``).

    Args:
        label: label of the button.
        key: key of the button.
        look: other arguments of ``st.button``.
    """
    pressed = _pressed()
    guarded_button(label, key, partial(pressed.add, key), **look)
    try:
        yield key in pressed
    except Exception:
        pressed.discard(key)  # the page says what was wrong, and does not try again by itself
        raise
    pressed.discard(key)


def forget_presses() -> None:
    """Forget clicks that nothing came of; call it when a page is opened or was drawn to its end."""
    _pressed().clear()
