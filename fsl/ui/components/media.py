"""Addresses for small pictures, so that a page's messages need not hold the pictures themselves.

Streamlit's own media files do not do: during a rerun it forgets what the page showed before, and then answers
404 to a browser that has not loaded it yet.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Container

import streamlit as st
from streamlit import runtime

from fsl.ui.components.session import session_id

ROOT = "/pictures"
"""Path below which the server answers the addresses."""
_MAX_BYTES = 64 * 2**20


class GivenPictures:
    """The pictures whose addresses were sent to a browser. Safe to use from several threads.

    An address stays good as long as its session, unless pictures of ``max_bytes`` were sent to the session
    since; what a page shows now was sent last.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()
        # The data URIs themselves, which the pages hold anyway; a picture is decoded when it is asked for.
        self._given: defaultdict[str, OrderedDict[str, str]] = defaultdict(OrderedDict)
        self._n_bytes: defaultdict[str, int] = defaultdict(int)

    def give(self, session: str, src: str) -> str:
        """Return the name of a picture, which nobody who does not have it can guess.

        Args:
            session: id of the session whose browser asks for it.
            src: the picture, a base64 ``data:`` URI.
        """
        name = hmac.new(self._secret, src.encode(), hashlib.sha256).hexdigest()[:40]
        with self._lock:
            given = self._given[session]
            if given.pop(name, None) is None:
                self._n_bytes[session] += len(src)
            given[name] = src
            while self._n_bytes[session] > self._max_bytes and len(given) > 1:
                _, old = given.popitem(last=False)
                self._n_bytes[session] -= len(old)
        return name

    def find(self, name: str) -> tuple[str, bytes] | None:
        """Return the media type and the content of a picture; None if it is not known, or not any more."""
        with self._lock:
            src = next((given[name] for given in self._given.values() if name in given), None)
        if src is None:
            return None
        head, _, content = src.partition(";base64,")
        return head.removeprefix("data:"), base64.b64decode(content)

    def forget_others(self, sessions: Container[str]) -> None:
        """Forget what was sent to all sessions but those of the given ids."""
        with self._lock:
            for session in [one for one in self._given if one not in sessions]:
                del self._given[session], self._n_bytes[session]


GIVEN = GivenPictures()
"""The pictures of this process."""


def media_url(src: str) -> str:
    """Return an address from which the browser loads a picture once, when it comes into view.

    A ``data:`` URI would be sent again with every change of the element that shows it.

    Args:
        src: the picture, a base64 ``data:`` URI; any other address is returned unchanged.
    """
    if not src.startswith("data:image/") or ";base64," not in src or not runtime.exists():
        return src
    return server_path(f"{ROOT}/{GIVEN.give(session_id(), src)}")


def server_path(path: str) -> str:
    """Return a path of this server, such as "/pictures", below its base path."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{path}" if base else path
