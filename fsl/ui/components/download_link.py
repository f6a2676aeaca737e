"""A link that downloads a large file; it is sent while it is made, so that the server holds no copy of it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

from fsl.ui.components.declare import declare
from fsl.ui.components.media import server_path
from fsl.ui.components.session import session_id

ROOT = "/files"
"""Path below which the server answers the links."""
_component = declare("download_link", "<a download></a>", "download_link.js", "download_link.css")


@dataclass(frozen=True)
class OfferedFile:
    """A file that can be downloaded.

    Attributes:
        name: the name that the browser gives it.
        media_type: for example "application/zip".
        parts: makes the content, part by part; called for each download.
    """

    name: str
    media_type: str
    parts: Callable[[], Iterator[bytes]]


class OfferedFiles:
    """The files that pages offer. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, str], str] = {}
        self._files: dict[str, OfferedFile] = {}

    def offer(self, session: str, key: str, file: OfferedFile) -> str:
        """Offer a file instead of the former one of that session and key; return a token that finds it."""
        with self._lock:
            token = self._tokens.setdefault((session, key), secrets.token_urlsafe(24))
            self._files[token] = file
        return token

    def find(self, token: str) -> OfferedFile | None:
        """Return the file; None if it is not offered, or not any more."""
        with self._lock:
            return self._files.get(token)

    def forget_others(self, sessions: Container[str]) -> None:
        """Forget the files of all sessions but those of the given ids."""
        with self._lock:
            for place in [one for one in self._tokens if one[0] not in sessions]:
                del self._files[self._tokens.pop(place)]


OFFERED = OfferedFiles()
"""The files of this process."""


def download_link(label: str, file: OfferedFile, key: str, about: str) -> None:
    """Show a link that looks like a button.

    Args:
        label: its text.
        file: what it downloads.
        key: key of the widget.
        about: what is in the file; shown as a tooltip.
    """
    address = server_path(f"{ROOT}/{OFFERED.offer(session_id(), key, file)}")
    _component(key=key, data={"label": label, "address": address, "name": file.name, "about": about})
