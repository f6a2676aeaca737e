"""Give each browser the cookie by which its training runs are found again (``fsl.ui.shared.visitor``).

The page's own request for Streamlit's settings brings it, before the session begins. A request for the page
itself would not do: after a click on a link elsewhere, a browser sends it without the cookies that are
``SameSite=Strict``.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fsl.ui.components.media import server_path
from fsl.ui.shared.visitor import COOKIE, is_token, new_token

_WITH = "/_stcore/host-config"
_YEAR_SECONDS = 365 * 24 * 3600


class VisitorCookie:
    """ASGI middleware that sets the cookie once. No script can read it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and set the cookie if the browser has none."""

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", _new_cookie(scope["scheme"]))
            await send(message)

        is_new = (
            scope["type"] == "http"
            and scope["path"].endswith(_WITH)
            and not is_token(Request(scope).cookies.get(COOKIE))
        )
        await self._app(scope, receive, with_cookie if is_new else send)


def _new_cookie(scheme: str) -> str:
    secure = "; Secure" if scheme == "https" else ""
    kept = f"Path={server_path('') or '/'}; Max-Age={_YEAR_SECONDS}; HttpOnly; SameSite=Strict"
    return f"{COOKIE}={new_token()}; {kept}{secure}"
