"""Requests drawn from the OpenAPI document: answers conform to it, and none is an error of the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from fsl.api.app import serve_alone
from fsl.api.openapi import openapi_document
from fsl.api.operations import OPERATIONS
from fsl.api.settings import ApiSettings
from tests.helpers.api import answer, client, files, service
from tests.helpers.pictures import picture, zipped

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
APP = serve_alone(service(ApiSettings(n_threads=1)))
schema = schemathesis.openapi.from_asgi("/api/openapi.json", APP)


@pytest.fixture(autouse=True)
def _small_network(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))


@schema.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_conforms(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)


def test_good_answers_conform_too() -> None:
    """Drawn requests seldom hold pictures, so here are some that do."""
    document = schemathesis.openapi.from_dict(openapi_document(OPERATIONS, "/api", has_token=True))
    classes = ("support", ("c.zip", zipped(red__1=picture("red"), blue__1=picture("blue"), odd=b"x")))
    red = picture("red")
    with client(service()) as api:
        kept = answer(api, "support", [classes], 201, checkpoint="small")
        for route, send, values in (
            ("/classify", [classes, *files(query=[red, b"x"])], {}),
            ("/compare", files(reference=red, probe=[red, b"x"]), {"threshold": "0.5"}),
            ("/embed", files(image=[red, b"x"]), {}),
            ("/support", [classes], {}),
        ):
            response = api.post(f"/api{route}", files=send, data={"checkpoint": "small", **values})
            assert response.status_code in (200, 201), response.text
            assert "left_out" in response.json()
            document[route]["POST"].validate_response(response)
        for path in ("/health", "/checkpoints", "/metrics"):
            document[path]["GET"].validate_response(api.get(f"/api{path}"))
        one = f"/api/support/{kept['support']}"
        document["/support/{id}"]["GET"].validate_response(api.get(one))
        document["/support/{id}"]["DELETE"].validate_response(api.delete(one))
        assert json.loads(api.get("/api/openapi.json").text)["openapi"] == "3.1.0"
