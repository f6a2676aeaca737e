"""Routes of Streamlit that tell about the whole server, and therefore nobody."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_PRIVATE = ("/_stcore/metrics",)
"""Memory and sessions of the server."""


class PrivateRoutes:
    """ASGI middleware that answers 404 for them, under any base path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for any other route."""
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith(_PRIVATE):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)
