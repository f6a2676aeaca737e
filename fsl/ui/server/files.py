"""The route that sends the small pictures whose addresses the pages contain."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from streamlit import config

from fsl.ui.components.media import GIVEN, ROOT


def picture_routes() -> list[BaseRoute]:
    """Return the route, below the server's base path."""
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return [Route(f"/{base}{ROOT}/{{name}}" if base else f"{ROOT}/{{name}}", _send)]


async def _send(request: Request) -> Response:
    found = GIVEN.find(request.path_params["name"])
    if found is None:
        return PlainTextResponse("Not Found", 404)
    media_type, content = found
    return Response(content, media_type=media_type, headers={"Cache-Control": "private"})
