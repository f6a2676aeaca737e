"""The routes that send what pages refer to by address: small pictures, and large files as they are made."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fsl.ui.components.download_link import OFFERED
from fsl.ui.components.download_link import ROOT as FILES
from fsl.ui.components.media import GIVEN, server_path
from fsl.ui.components.media import ROOT as PICTURES


def file_routes() -> list[BaseRoute]:
    """Return the routes, below the server's base path."""
    return [
        Route(server_path(f"{PICTURES}/{{name}}"), _send_picture),
        Route(server_path(f"{FILES}/{{token}}"), _send_file, methods=["GET"]),
    ]


async def _send_picture(request: Request) -> Response:
    found = GIVEN.find(request.path_params["name"])
    if found is None:
        return PlainTextResponse("Not Found", 404)
    media_type, content = found
    return Response(content, media_type=media_type, headers={"Cache-Control": "private"})


async def _send_file(request: Request) -> Response:
    file = OFFERED.find(request.path_params["token"])
    if file is None:
        return PlainTextResponse("This file is no longer offered. Open the page again.", 404)
    headers = {
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(file.name, safe='')}",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(file.parts(), media_type=file.media_type, headers=headers)
