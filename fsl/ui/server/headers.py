"""Headers that tell the browser what a page of the app may do."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

from fsl.ui.server.page_html import adapted

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]+")
FRAMES = "FSL_FRAME_ANCESTORS"
"""Environment variable with the addresses of pages that may show the app in a frame."""


class SecurityHeaders:
    """ASGI middleware that adds the headers to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and add the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in security_headers(Headers(scope=scope).get("host", "")).items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def security_headers(host: str) -> dict[str, str]:
    """Return the headers for a browser that reached the server under this host name and port."""
    return {
        "Content-Security-Policy": content_security_policy(host),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    }


@lru_cache(maxsize=64)
def content_security_policy(host: str) -> str:
    """Return what a page may load and run: what this server sends, and nothing from elsewhere.

    Args:
        host: host name and port of the server in the browser's address; "" if unknown. Some browsers do not
            count a websocket to the page's own host as its own.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    rules = {
        "default-src": "'self'",
        # The page has two scripts of its own; those of the components are loaded from memory.
        "script-src": f"'self' blob: {_inline_scripts()}",
        "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly style elements by script
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": f"'self' data: blob:{sockets}",
        "worker-src": "'self' blob:",
        "frame-src": "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": os.environ.get(FRAMES, "").replace(";", " ").strip() or "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _inline_scripts() -> str:
    """Return the hashes of the scripts that stand in the page itself."""
    page = adapted((Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8"))
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
