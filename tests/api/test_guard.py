"""Who is let in, what is too much, and what the server tells about itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from fsl.api import forms
from fsl.api.cross_origin import checked_origins
from fsl.api.memory import Memory
from fsl.api.networks import Networks
from fsl.api.settings import LOOPBACK, ApiSettings
from fsl.base.errors import SettingsError
from fsl.data.intake.server_limits import SERVER_IS_FULL
from tests.helpers.api import answer, client, files, service
from tests.helpers.pictures import picture

TOKEN = "correct-horse-\u00fc"


@pytest.fixture
def api(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
    with client(service(ApiSettings(hosts=LOOPBACK))) as found:
        yield found


def embedded(to: TestClient, **headers: str) -> Any:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    values = {"checkpoint": "small"}
    return to.post("/api/embed", files=files(image=picture("red")), data=values, headers=named)


def test_the_token_is_needed_for_all_but_health(api: TestClient) -> None:
    with client(service(ApiSettings(token=TOKEN))) as guarded:
        assert guarded.get("/api/health").status_code == 200
        for path in ("metrics", "docs", "openapi.json", "checkpoints", "none", "support/x", "x/health"):
            refused = guarded.get(f"/api/{path}")
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "Authorization: Bearer TOKEN" in refused.json()["error"]
        for wrong in ("", "Bearer", "Bearer correct", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
            assert embedded(guarded, Authorization=wrong).status_code == 401
        assert embedded(guarded, Authorization=f"Bearer {TOKEN}").status_code == 200
        assert embedded(guarded, Authorization=f"bearer {TOKEN}").status_code == 200


def test_pages_of_other_addresses_are_refused(api: TestClient) -> None:
    """A browser lets any page post a form to a server on its user's machine."""
    local = ("http://localhost:3000", "http://localhost.evil.example")
    for origin in ("http://evil.example", "null", "", *local):
        refused = embedded(api, Origin=origin)
        assert refused.status_code == 403
        assert "another address" in refused.json()["error"]
    assert embedded(api, Sec_Fetch_Site="cross-site").status_code == 403
    assert api.delete("/api/support/x", headers={"Origin": "http://evil.example"}).status_code == 403
    for origin in ("http://localhost", "https://LOCALHOST:443"):  # a proxy may speak TLS
        assert embedded(api, Origin=origin, Sec_Fetch_Site="same-origin").status_code == 200
    assert "access-control-allow-origin" not in embedded(api).headers


def test_other_host_names_are_refused_without_a_token(api: TestClient) -> None:
    for host in ("evil.example", "localhost.evil.example:80", "evil@localhost.example", "[", ""):
        assert api.get("/api/health", headers={"Host": host}).status_code == 403
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert api.get("/api/health", headers={"Host": host}).status_code == 200


def test_what_is_too_much_is_refused_while_it_arrives(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MAX_BYTES", 2**20)
    declared = answer(api, "embed", files(image=[picture("red"), bytes(2 * 2**20)]), 413)
    assert "at most 1 MB" in declared["error"]

    def parts() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        for _ in range(100):
            yield bytes(20_000)
        yield b"\r\n--x--\r\n"

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.post("/api/embed", content=parts(), headers=form).status_code == 413
    monkeypatch.setattr(forms, "MAX_PICTURES", 3)
    assert "at most 3 files" in answer(api, "embed", files(image=[b"x"] * 6), 413)["error"]


def test_what_the_pages_hold_counts_and_everything_is_given_back(
    checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
    of = service()
    of.memory = Memory(lambda: 900_000, most=1_000_000)
    with client(of) as api:
        assert embedded(api).status_code == 200
        refused = api.post("/api/embed", files=files(image=bytes(150_000)))
        assert (refused.status_code, refused.json()["error"]) == (503, SERVER_IS_FULL)
        assert int(refused.headers["retry-after"]) > 0
    assert of.memory.held == 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"not the boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        (
            "multipart/form-data; boundary=x; charset=idna",
            b'--x\r\nContent-Disposition: form-data; name="xn--a\xff"\r\n\r\na\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x; charset=raw_unicode_escape",
            b'--x\r\nContent-Disposition: form-data; name="\\ud800"\r\n\r\na\r\n--x--\r\n',
        ),
        ("multipart/form-data; boundary=x; charset=odd", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
    ],
)
def test_bodies_that_are_no_form(api: TestClient, kind: str, body: bytes) -> None:
    refused = api.post("/api/classify", content=body, headers={"Content-Type": kind})
    assert (refused.status_code, list(refused.json())) == (400, ["error"])


def test_unexpected_errors_go_to_the_log_alone(
    api: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Networks, name: str) -> object:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Networks, "get", fails)
    with caplog.at_level(logging.ERROR):
        said = answer(api, "embed", files(image=b"x"), 500)["error"]
    assert "secret" not in said
    assert "secret detail" in caplog.text


def test_metrics_are_what_prometheus_reads(api: TestClient) -> None:
    for _ in range(3):
        assert embedded(api).status_code == 200
    api.get("/api/nothing")
    shown = api.get("/api/metrics")
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(shown.text)
        for sample in family.samples
    }
    assert samples["fsl_api_requests_total", "/embed", "200"] == 3
    assert samples["fsl_api_requests_total", "other", "404"] == 1
    assert samples["fsl_api_request_seconds_count", "/embed"] == 3
    # The same picture three times: it is embedded once, or was before.
    assert samples["fsl_pass_images_count",] == samples["fsl_pass_images_sum",] <= 1
    assert samples["fsl_api_waiting",] == samples["fsl_api_held_bytes",] == 0


def test_the_docs_page_names_every_operation_and_loads_nothing(api: TestClient) -> None:
    page = api.get("/")
    assert page.url.path == "/api/docs"
    document = api.get("/api/openapi.json").json()
    for path in document["paths"].keys() - {"/metrics"}:
        assert f"/api{path}</code>" in page.text
    assert "<script" not in page.text
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page.text)) == {"/api/openapi.json", "/api/metrics"}
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_pages_of_named_addresses_are_let_in(api: TestClient) -> None:
    """As browsers ask: first whether the page may send the token, which that question does not have."""
    page = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    origins = checked_origins(["https://Example.org/"])
    with client(service(ApiSettings(token="x", origins=origins))) as open_to_one:
        asked = open_to_one.options("/api/embed", headers=page)
        assert (asked.status_code, asked.content) == (204, b"")
        assert asked.headers["access-control-allow-origin"] == "https://example.org"
        assert "authorization" in asked.headers["access-control-allow-headers"].lower()
        without = embedded(open_to_one, Origin="https://example.org")
        with_token = embedded(open_to_one, Origin="https://example.org", Authorization="Bearer x")
        assert (without.status_code, with_token.status_code) == (401, 200)
        for answered in (without, with_token):  # the page may read why it was refused
            assert answered.headers["access-control-allow-origin"] == "https://example.org"
            assert answered.headers["vary"] == "Origin"
        for origin in ("http://example.org", "https://example.org.evil.example", "null"):
            refused = embedded(open_to_one, Origin=origin, Authorization="Bearer x")
            assert refused.status_code == 403
            assert "access-control-allow-origin" not in refused.headers
            assert open_to_one.options("/api/embed", headers={**page, "Origin": origin}).status_code == 403
    assert api.options("/api/embed", headers=page).status_code == 403
    for wrong in ("*", "example.org", "https://example.org/page", "null", ""):
        with pytest.raises(SettingsError, match="as browsers do"):
            checked_origins([wrong])
