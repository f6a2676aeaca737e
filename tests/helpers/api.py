"""The HTTP API in this process, and requests to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from fsl.api.app import serve_alone
from fsl.api.service import Service
from fsl.api.settings import ApiSettings
from tests.helpers.waiting import until

File = tuple[str, tuple[str, bytes]]


def service(settings: ApiSettings | None = None, elsewhere: int = 0) -> Service:
    """Return what the requests of a new server share."""
    from fsl.twin.shared_passes import SharedPasses

    return Service(settings or ApiSettings(), lambda: SharedPasses(threading.Lock()), lambda: elsewhere)


def client(of: Service | None = None, token: str = "") -> TestClient:
    """Return a client of a server in this process."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return TestClient(serve_alone(of or service()), base_url="http://localhost", headers=headers)


def files(**given: bytes | Sequence[bytes]) -> list[File]:
    """Return files for a form: one or several by field, called "query0.png" and so on."""
    named = {field: [one] if isinstance(one, bytes) else one for field, one in given.items()}
    return [
        (field, (f"{field}{i}.png", data)) for field, many in named.items() for i, data in enumerate(many)
    ]


def answer(
    to: TestClient, route: str, send: Sequence[File], status: int = 200, **values: Any
) -> Mapping[str, Any]:
    """Send a form, and return the answer of the expected status."""
    response = to.post(f"/api/{route}", files=list(send), data=values)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    found: Mapping[str, Any] = response.json()
    if status >= 400:
        assert list(found) == ["error"]
    return found


@contextmanager
def running_api(of: Service) -> Iterator[str]:
    """Serve the API on a free port of this machine; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(serve_alone(of), log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
