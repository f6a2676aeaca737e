"""Answer only requests for the host names that this server is meant to have.

A page elsewhere can point its own name at 127.0.0.1 and then speak to a server there as if it were its own
(DNS rebinding). Its requests give it away by their Host header. Streamlit checks the header of websockets;
this checks all requests, against the same setting, ``server.allowedHosts``.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from fsl.api.app import ROOT

_REFUSED = (
    "This server does not answer to the host name in the address. Open it as http://localhost, or start it "
    "with --server.allowedHosts and that name."
)
_POLICY_VIOLATION = 1008


class KnownHosts:
    """ASGI middleware that refuses other hosts with 403."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for a known host, or refuse it."""
        if scope["type"] not in ("http", "websocket") or is_host_allowed(Headers(scope=scope).get("host")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(_POLICY_VIOLATION)(scope, receive, send)
        elif f"{ROOT}/" in scope["path"]:
            await JSONResponse({"error": _REFUSED}, 403)(scope, receive, send)
        else:
            await PlainTextResponse(_REFUSED, 403)(scope, receive, send)
