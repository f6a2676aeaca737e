"""The HTTP API beside the pages: it shares their network passes and their memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route

from fsl.api.app import ROOT, create_api
from fsl.api.memory import Memory
from fsl.api.service import Service
from fsl.api.settings import settings_from_environment
from fsl.base.errors import SettingsError
from fsl.ui.components.media import server_path
from fsl.ui.server.upload_limit import waiting_files
from fsl.ui.shared.embedding import shared_passes
from fsl.ui.shared.holders import Holding, held_bytes, note_holders

_OF_API = "HTTP API"
"""Stands among the sessions for what the API holds."""


class _Held:
    """What the API holds, counted with what the sessions hold."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def holdings(self) -> Iterable[Holding]:
        """Return everything as one."""
        return [Holding(id(self), self._memory.held)]


def api_routes() -> list[BaseRoute]:
    """Return the routes of the API; without a valid list of folders, the program ends with a message."""
    try:
        service = Service(settings_from_environment(), shared_passes, _held_by_pages)
    except SettingsError as error:
        sys.exit(f"fsl: {error}")
    api = create_api(service)
    api.state.held = _Held(service.memory)  # kept alive, as the list of holders does not
    note_holders(_OF_API, [api.state.held])
    root = server_path(ROOT)
    return [Mount(root, api), Route(root, lambda _: RedirectResponse(f"{root}/docs"))]


def _held_by_pages() -> int:
    """Return how many bytes the sessions hold, and the uploads that wait for their pages."""
    held = sum(n_bytes for session, n_bytes in held_bytes().items() if session != _OF_API)
    return held + sum(sum(sizes) for sizes in waiting_files().values())
