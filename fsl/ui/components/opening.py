"""What stands in a popover whose content is not built yet: it tells the server when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable

from fsl.ui.components.declare import declare

_component = declare("opening", '<span role="status">Loading…</span>', "opening.js")


def opening(key: str, on_opened: Callable[[], None]) -> None:
    """Show "Loading…", and have the page drawn again once this is visible.

    Args:
        key: key of the widget.
        on_opened: called before the page is drawn anew. It may be called again, should the page keep showing
            this.
    """
    _component(key=key, on_opened_change=on_opened)
