"""Make a change to a session in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import SafeSessionState

_HOOK = "_yield_callback"  # of Streamlit 1.67; the tests fail with a version that has none


@contextmanager
def undivided() -> Iterator[None]:
    """Let a block run to its end although the browser has sent another event meanwhile.

    Streamlit looks for such an event at each use of ``st.session_state``, and ends the run of the page, or
    the callback, there. A change that is half made is lost then: files that were taken from their drop zone
    but not stored, or a click, as no callback is called twice. The event is answered after the block.

    Commands that draw (``st.progress``) can still be interrupted: leave them out of the block, or to its end.
    """
    context = get_script_run_ctx()
    state = context.session_state if context is not None else None
    if not isinstance(state, SafeSessionState):
        yield
        return
    look_for_events = getattr(state, _HOOK)
    object.__setattr__(state, _HOOK, lambda: None)  # plain assignment would store it in the session
    try:
        yield
    finally:
        object.__setattr__(state, _HOOK, look_for_events)
