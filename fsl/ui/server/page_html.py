"""Adapt the HTML page that Streamlit sends for every address: its title, and what the Back button does."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TITLE = "<title>Streamlit</title>"
_SCRIPT = Path(__file__).with_name("page_html.js").read_text(encoding="utf-8")


def adapted(page: str) -> str:
    """Return Streamlit's page with the title that it has while it loads, and with our script.

    Args:
        page: HTML of Streamlit's page; any other HTML is returned unchanged.
    """
    return page.replace(_TITLE, f"<title>Few-Shot Lab</title>\n    <script>{_SCRIPT}</script>", 1)


class AdaptedPage:
    """ASGI middleware that adapts Streamlit's HTML page before it is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; HTML waits until it is complete."""
        start: Message | None = None
        body = bytearray()

        async def with_script(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_html(message):
                start = message
            elif start is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    content = adapted(body.decode()).encode()
                    headers = MutableHeaders(scope=start)
                    headers["Content-Length"] = str(len(content))
                    del headers["ETag"], headers["Last-Modified"]  # those of the page before it was adapted
                    await send(start)
                    await send({**message, "body": content})

        is_wanted = scope["type"] == "http" and scope["method"] == "GET"
        await self._app(scope, receive, with_script if is_wanted else send)


def _is_html(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
