"""The API as an ASGI application, to be mounted beside pages or served alone."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from itertools import groupby

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from fsl.api.docs_page import docs_page
from fsl.api.errors import ApiError, try_again
from fsl.api.forms import Form, read_form
from fsl.api.guard import Guard
from fsl.api.jobs import StoppedError
from fsl.api.metrics import CONTENT_TYPE, Measured
from fsl.api.openapi import openapi_document
from fsl.api.operations import OPERATIONS, Operation
from fsl.api.service import Service
from fsl.base.errors import DeviceMemoryError, FslError
from fsl.base.json_values import json_text
from fsl.base.progress import Progress

_LOG = logging.getLogger(__name__)
_HUNG_UP = 499
"""Status of an answer that nobody receives; it appears in the metrics."""
_UNEXPECTED = "Something went wrong on the server. Details are in its log."
ROOT = "/api"
Endpoint = Callable[[Request], Awaitable[Response]]


class _Route:
    """The endpoint of a path: finds the operation of the method, and answers errors as JSON."""

    def __init__(self, service: Service, operations: list[Operation]) -> None:
        self._service = service
        self._operations = {operation.method: operation for operation in operations}
        self.route = operations[0].path

    async def __call__(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._operations[method]
        try:
            content = await self._content(operation, request)
        except ApiError:
            raise
        except (StoppedError, ClientDisconnect):
            return Response(status_code=_HUNG_UP)
        except (DeviceMemoryError, MemoryError) as error:
            raise try_again(str(error) or "The server has not enough free memory.", 10) from error
        except FslError as error:
            raise ApiError(422, str(error)) from error
        except Exception:  # noqa: BLE001 - the last line of defence; it is logged
            _LOG.exception("Unexpected error in %s %s", operation.method, operation.path)
            raise ApiError(500, _UNEXPECTED) from None
        return Response(content, int(operation.status), media_type="application/json")

    async def _content(self, operation: Operation, request: Request) -> bytes:
        service = self._service
        if not operation.fields:
            form = Form(texts=dict(request.path_params))
            return _encoded(operation.handle(service, form, _unheard))
        service.jobs.refuse_if_full()
        async with read_form(request, operation.fields, service.memory) as form:

            def work(progress: Progress) -> bytes:
                service.prepare_thread()
                return _encoded(operation.handle(service, form, progress))

            return await service.jobs.run(work, request.receive)


def create_api(service: Service) -> Starlette:
    """Return the application; its paths begin after the one that it is mounted at."""
    by_path = groupby(OPERATIONS, key=lambda operation: operation.path)
    routes = [
        Route(path, _callable(_Route(service, same)), methods=[one.method for one in same])
        for path, same in ((path, list(group)) for path, group in by_path)
    ]
    return Starlette(
        routes=[*routes, *_documents(service)],
        middleware=[
            Middleware(Measured, metrics=service.metrics),
            Middleware(Guard, settings=service.settings),
        ],
        exception_handlers={ApiError: _refused, HTTPException: _refused_by_router},
    )


def serve_alone(service: Service) -> Starlette:
    """Return the application of a server that has no pages: the API below "/api"."""
    to_docs = Route("/", lambda _: RedirectResponse(f"{ROOT}/docs"))
    return Starlette(
        routes=[to_docs, Mount(ROOT, create_api(service))],
        exception_handlers={HTTPException: _refused_by_router},
    )


def _encoded(value: object) -> bytes:
    """Return a value as JSON in UTF-8."""
    return json_text(value).encode()


def _callable(route: _Route) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return await route(request)

    endpoint.route = route.route  # type: ignore[attr-defined]  # the metrics look it up
    return endpoint


def _documents(service: Service) -> list[Route]:
    """Return the routes of the documentation and the metrics."""

    async def openapi(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        document = openapi_document(OPERATIONS, root, bool(service.settings.token))
        return Response(_encoded(document), media_type="application/json")

    async def docs(request: Request) -> Response:
        return HTMLResponse(docs_page(OPERATIONS, request.scope.get("root_path", "")))

    async def metrics(request: Request) -> Response:
        return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def top(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")

    found = {"/openapi.json": openapi, "/docs": docs, "/metrics": metrics, "/": top}
    for path, endpoint in found.items():
        endpoint.route = path  # type: ignore[attr-defined]
    return [Route(path, endpoint) for path, endpoint in found.items()]


def _unheard(done: int, total: int) -> None:
    """Ignore progress."""


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    body = _encoded({"error": str(error)})
    return Response(body, error.status, error.headers, media_type="application/json")


async def _refused_by_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = {
        404: f"There is nothing at {request.url.path}. {ROOT}/docs lists what there is.",
        405: f"{request.url.path} does not take {request.method}. {ROOT}/docs says what it takes.",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    return Response(_encoded({"error": message}), error.status_code, headers, media_type="application/json")
