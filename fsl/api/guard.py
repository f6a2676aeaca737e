"""Who is answered: known host names, no page from elsewhere, and the token."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fsl.api.cross_origin import cross_origin_headers, is_let_in, is_preflight
from fsl.api.errors import ApiError
from fsl.api.settings import ApiSettings

HEALTH = "/health"
"""The route that needs no token, for programs that monitor the server."""
_USUAL_PORTS = (":80", ":443")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'",
}


class Guard:
    """ASGI middleware that refuses requests before their body is read, and adds headers to each answer."""

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        asked, origins = Headers(scope=scope), self._settings.origins
        for_pages = cross_origin_headers(scope["method"], asked, origins)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (_HEADERS | for_pages).items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refusal(scope, asked)
        if refused is None and is_let_in(asked, origins) and is_preflight(scope["method"], asked):
            await Response(status_code=204)(scope, receive, with_headers)
        elif refused is None:
            await self._app(scope, receive, with_headers)
        else:
            answer = JSONResponse({"error": str(refused)}, refused.status, refused.headers)
            await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> ApiError | None:
        if self._settings.hosts and host_name(headers.get("host", "")) not in self._settings.hosts:
            return ApiError(
                403,
                "This server does not answer to the host name in the address. Use http://localhost, or start "
                "it with a token.",
            )
        if is_let_in(headers, self._settings.origins):
            if is_preflight(scope["method"], headers):
                return None
        elif scope["method"] not in ("GET", "HEAD") and is_from_elsewhere(headers):
            return ApiError(403, "Pages of another address may not use this server, unless --cors names it.")
        inside = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        if inside != HEALTH and not has_token(headers, self._settings.token):
            return ApiError(
                401,
                "This server needs its token, in the header Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )
        return None


def host_name(host: str) -> str:
    """Return the name in a Host header, without the port and the brackets of IPv6; "" if it is malformed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_from_elsewhere(headers: Headers) -> bool:
    """Return whether a page of another address sent this.

    A browser lets any page send forms to a server on its user's machine. It names the page in the Origin
    header, which programs do not send; some older ones say "cross-site" only.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "cross-site"
    # A proxy that speaks TLS changes the scheme, so only the names are compared.
    return _without_usual_port(origin.rpartition("://")[2]) != _without_usual_port(headers.get("host", ""))


def has_token(headers: Headers, token: str) -> bool:
    """Return whether a request has the token, in a time that does not tell how much of it is right."""
    if not token:
        return True
    scheme, _, given = headers.get("authorization", "").partition(" ")
    sent = given.strip().encode("latin-1")  # the bytes as they came
    return hmac.compare_digest(sent, token.encode()) and scheme.lower() == "bearer"


def _without_usual_port(place: str) -> str:
    place = place.lower()
    return next((place.removesuffix(port) for port in _USUAL_PORTS if place.endswith(port)), place)
