"""The OpenAPI document, made from the table of operations."""

from __future__ import annotations

from typing import Any

import fsl
from fsl.api.forms import Field
from fsl.api.guard import HEALTH
from fsl.api.operations import ERRORS, Operation
from fsl.api.schemas import SCHEMAS, Schema

_TOKEN = "token"


def openapi_document(operations: tuple[Operation, ...], root: str, has_token: bool) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document.

    Args:
        root: path below which they are ("/api").
        has_token: whether clients need a token.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, has_token)
    paths["/metrics"] = {"get": _metrics(has_token)}
    components: dict[str, Any] = {"schemas": SCHEMAS}
    if has_token:
        components["securitySchemes"] = {_TOKEN: {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Few-Shot Lab",
            "version": fsl.__version__,
            "description": "Few-shot image classification with a twin network, over HTTP.",
        },
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": components,
    }


def _described(operation: Operation, has_token: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.handle.__name__,
        "summary": operation.summary,
        "description": operation.about,
        "responses": {
            str(int(operation.status)): {
                "description": "The answer.",
                "content": {"application/json": {"schema": _reference(operation.answer)}},
            },
            **_errors(operation.errors, has_token and operation.path != HEALTH),
        },
    }
    if operation.fields:
        described["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": _form(operation.fields)}},
        }
    if "{id}" in operation.path:
        described["parameters"] = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        ]
    if has_token and operation.path != HEALTH:
        described["security"] = [{_TOKEN: []}]
    return described


def _errors(statuses: tuple[int, ...], needs_token: bool) -> dict[str, Any]:
    found = sorted({*statuses, 403, *((401,) if needs_token else ())})
    return {
        str(status): {
            "description": ERRORS[status],
            "content": {"application/json": {"schema": _reference("Error")}},
            **({"headers": {"Retry-After": {"schema": {"type": "integer"}}}} if status == 503 else {}),
        }
        for status in found
    }


def _form(fields: tuple[Field, ...]) -> Schema:
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _field(field: Field) -> Schema:
    if field.kind == "file":
        one: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    elif field.kind == "number":
        one = {"type": "number", "minimum": field.low, "maximum": field.high}
    else:
        one = {"type": "string", **({"enum": list(field.choices)} if field.choices else {})}
    if field.many:
        one = {"type": "array", "items": one, "minItems": 1}
    return {**one, "description": field.about}


def _metrics(has_token: bool) -> dict[str, Any]:
    return {
        "operationId": "metrics",
        "summary": "Counts of requests, times and batches for Prometheus",
        "responses": {
            "200": {"description": "The metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}},
            **_errors((), has_token),
        },
        **({"security": [{_TOKEN: []}]} if has_token else {}),
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
