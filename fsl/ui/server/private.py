"""Routes of Streamlit that tell about the whole server, and therefore nobody."""

from __future__ import annotations

import re
from itertools import pairwise

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_PRIVATE = ("_stcore", "metrics")
"""Memory and sessions of the server."""


class PrivateRoutes:
    """ASGI middleware that answers 404 for them, under any base path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for any other route."""
        if scope["type"] == "http" and _is_private(scope["path"]):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _is_private(path: str) -> bool:
    """Return whether a path is private in any spelling that some proxy or later router might take for it."""
    parts = (part.strip() for part in re.split(r"[/\\;]", path.casefold()))
    return _PRIVATE in pairwise(part for part in parts if part.strip("."))
