"""Requests that no client of ours would send are refused in words, with a documented status and key."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fsl.api.openapi import openapi_document
from fsl.api.operations import ERRORS, OPERATIONS
from fsl.api.service import Service
from tests.helpers.api import answer, client, files, service
from tests.helpers.pictures import picture, zipped

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
PATHS = openapi_document(OPERATIONS, "", has_token=False)["paths"]
FORM = "multipart/form-data; boundary=x"
# Of a part's head: no quotes, which would end the name, and no line ends.
NAMES = st.text(st.characters(exclude_characters='"\r\n', exclude_categories=["Cs"]), max_size=40)


@pytest.fixture
def of(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))
    return service()


@pytest.fixture
def api(of: Service) -> Iterator[TestClient]:
    with client(of) as found:
        yield found


def part(field: str, file_name: str | None, content: bytes) -> bytes:
    head = f'name="{field}"' + ("" if file_name is None else f'; filename="{file_name}"')
    return f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # 150 take 1 s
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(sorted(PATHS)) | NAMES.map(lambda name: f"/{name}"),
    # A name with a slash is another path; those are among the paths above.
    name=NAMES.filter(lambda name: name not in ("", ".", "..") and "/" not in name),
    kind=st.sampled_from(["", "application/json", "text/plain", "multipart/form-data", FORM]),
    body=st.binary(max_size=80)
    | st.lists(st.builds(part, NAMES, st.none() | NAMES, st.binary(max_size=20)), max_size=3).map(
        lambda parts: b"".join(parts) + b"--x--\r\n"
    ),
)
def test_odd_requests_are_refused_in_words(
    of: Service, api: TestClient, method: str, path: str, name: str, kind: str, body: bytes
) -> None:
    asked = f"/api{quote(path.replace('{id}', name))}"
    headers = {"Content-Type": kind} if kind else {}
    found = api.request(method, asked, content=body, headers=headers, follow_redirects=False)
    known = {one.upper() for one in PATHS.get(path, ())}
    if known:
        has_method = method in known or (method == "HEAD" and "GET" in known)
        assert (found.status_code == 405) != has_method
        assert not has_method or found.status_code < 300 or found.status_code in ERRORS
    if found.status_code == 405:
        assert method not in found.headers["allow"].split(", ")
    if method == "HEAD":
        assert not found.content
    elif found.status_code >= 400:
        assert found.headers["content-type"] == "application/json"
        assert list(found.json()) == ["error"]
        assert found.json()["error"].endswith(".")
    assert of.memory.held == of.jobs.running == of.jobs.waiting == 0


def two_pictures() -> bytes:
    """Return a form for /api/embed without its last boundary."""
    first, second = (part("image", f"{colour}.png", picture(colour)) for colour in ("red", "blue"))
    return part("checkpoint", None, b"small") + first + second


# What curl, browsers and libraries send last, and what RFC 2046 allows besides.
@pytest.mark.parametrize("end", [b"--x--", b"--x--\r\n", b"--x--\r\n\r\n", b"--x-- \r\n", b"--x--\r\nmore"])
def test_a_form_may_end_in_any_of_the_usual_ways(api: TestClient, end: bytes) -> None:
    found = api.post("/api/embed", content=two_pictures() + end, headers={"Content-Type": FORM})
    assert [one["image"] for one in found.json()["embeddings"]] == ["red.png", "blue.png"], found.text


def test_a_picture_without_a_file_name_is_told_to_have_one(api: TestClient) -> None:
    body = part("image", None, picture("red", 24) + bytes(5_000)) + b"--x--"
    refused = api.post("/api/embed", content=body, headers={"Content-Type": FORM})
    assert refused.status_code == 400
    assert "as files, with a file name" in refused.json()["error"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 400), size=st.integers(1, 50))
def test_a_form_that_is_cut_off_is_refused(api: TestClient, cut: int, size: int) -> None:
    """Wherever it is cut, and however it arrives: its last file would be lost without a word."""
    some = (two_pictures() + b"--x--")[:-cut]
    chunks = (some[start : start + size] for start in range(0, len(some), size))
    found = api.post("/api/embed", content=chunks, headers={"Content-Type": FORM})
    assert found.status_code == 400
    assert found.json()["error"].startswith("The form is cut off")


def test_of_clients_that_delete_at_once_one_is_told_so(of: Service, api: TestClient) -> None:
    classes = ("support", ("c.zip", zipped(red__1=picture("red"), blue__1=picture("blue"))))
    kept = answer(api, "support", [classes], 201, checkpoint="small")["support"]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: api.delete(f"/api/support/{kept}"), range(8)))
    assert sorted(one.status_code for one in found) == [200, *[404] * 7]
    assert all("POST /api/support" in one.json()["error"] for one in found if one.status_code == 404)
    assert answer(api, "classify", files(query=picture("red")), 422, support_id=kept)
    assert of.memory.held == len(of.sets) == 0
