"""An invisible component that stores a secret in the tab of the browser, and tells it after a reload.

It also tells when an upload field shows that the server refused a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fsl.ui.components.declare import declare, sent

_component = declare("tab", "<span></span>", "tab.js")
_SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Told:
    """What a tab told about itself; it comes from outside.

    Attributes:
        secret: its secret, 32 hexadecimal digits, or "" for a new tab.
        held: whether it held pictures.
        server: name of the server process that it spoke to, "" for none.
    """

    secret: str
    held: bool
    server: str


def tab_component(
    key: str,
    asked: str,
    secret: str,
    holds: bool,
    server: str,
    on_told: Callable[[], None],
    on_refused: Callable[[], None],
) -> None:
    """Ask the tab for its secret, or, if ``secret`` is known, let the tab store it.

    Args:
        key: key of the widget.
        asked: a word that the answer repeats, so that the answer to another session is not taken for it.
        secret: the secret to store, "" to ask for it.
        holds: whether the tab holds pictures now.
        server: name of this server process.
        on_told: called when the tab has answered; see :func:`what_was_told`.
        on_refused: called when the server has refused an upload.
    """
    data = {"asked": asked, "secret": secret, "holds": holds, "server": server}
    _component(key=key, data=data, on_told_change=on_told, on_refused_change=on_refused)


def what_was_told(key: str, asked: str) -> Told | None:
    """Return the tab's answer; None if there is none to that question."""
    told = sent(key, "told")
    if not isinstance(told, Mapping) or told.get("asked") != asked:
        return None
    secret = told.get("secret")
    is_secret = isinstance(secret, str) and _SECRET.fullmatch(secret) is not None
    return Told(str(secret) if is_secret else "", told.get("holds") is True, str(told.get("server") or ""))
