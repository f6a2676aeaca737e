"""The server around the pages: who is let in, what is told, what may be uploaded. One real server for all."""

from __future__ import annotations

import http.client
import io
import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from bench._server import running_app
from bench._visitor import Visitor
from bench.two_servers import serve_together
from fsl.ui.shared.guard import UNEXPECTED
from fsl.ui.shared.visitor import COOKIE
from tests.helpers.networks import save_small_checkpoint
from tests.helpers.waiting import until

MEGABYTE = 2**20
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, where a session may hold 8 MB and all sessions 50 MB."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "checkpoints").mkdir()
    save_small_checkpoint(folder / "checkpoints")
    limits = {"FSL_SESSION_MB": "8", "FSL_SERVER_MB": "50", "FSL_SESSION_PICTURES": "3"}
    with running_app(
        folder, environment={**limits, "FSL_CHECKPOINT_DIR": str(folder / "checkpoints")}
    ) as app:
        yield app.address
    assert "Traceback" not in app.log.read_text(errors="replace")


def get(address: str, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    answer = connection.getresponse()
    body = "" if answer.status == 101 else answer.read().decode(errors="replace")
    connection.close()
    return answer.status, answer.headers, body


def test_only_the_names_of_this_machine_are_answered(address: str) -> None:
    """Otherwise a page elsewhere could point its own name here and use the app as its visitor."""
    port = address.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost"):
        assert get(address, "/", Host=host)[0] == 200
        assert get(address, "/_stcore/stream", Host=host, **WEBSOCKET)[0] == 101
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost@evil.example"):
        for path in ("/", "/_stcore/health", "/_stcore/host-config", "/media/x.png"):
            status, headers, said = get(address, path, Host=host)
            assert (status, headers["X-Content-Type-Options"]) == (403, "nosniff")
            assert "--server.allowedHosts" in said
        assert get(address, "/_stcore/stream", Host=host, **WEBSOCKET)[0] == 403


def test_every_answer_says_what_a_page_may_do(address: str) -> None:
    for path in ("/", "/classify", "/_stcore/health", "/static/none.js", "/media/none.png"):
        headers = get(address, path)[1]
        policy = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
        assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
        assert policy["default-src"] == "'self'"
        assert "unsafe" not in policy["script-src"]
        assert "http" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_nobody_is_told_about_the_whole_server(address: str) -> None:
    odd = (
        "//_stcore/metrics",
        "/_stcore//metrics",
        "/_STCORE/Metrics",
        "/_stcore/%6Detrics%20",
        "/x/_stcore/./metrics;a",
    )
    for path in (
        "/_stcore/metrics",
        "/_stcore/metrics/",
        "/_stcore/metrics?families=session_events_total",
        *odd,
    ):
        assert get(address, path)[0] == 404, path
    assert get(address, "/_stcore/health")[0] == 200


def test_a_new_browser_gets_a_cookie_that_no_script_reads(address: str) -> None:
    cookie = next(c for c in get(address, "/_stcore/host-config")[1].get_all("Set-Cookie", []) if COOKIE in c)
    token = cookie.partition("=")[2].partition(";")[0]
    assert len(bytes.fromhex(token)) * 8 >= 128
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    kept = get(address, "/_stcore/host-config", Cookie=f"{COOKIE}={token}")[1].get_all("Set-Cookie", [])
    assert not any(COOKIE in one for one in kept)


def uploads(visitor: Visitor, n: int, megabytes: int, declared: bool = True) -> list[str]:
    """Upload files that no page takes; return why each was refused, "" if it was not."""
    part = bytes(megabytes * MEGABYTE // 8)
    parts = [part * 8] if declared else [part] * 8
    said = []
    for url in visitor.upload_urls([f"{i}.bin" for i in range(n)]):
        try:
            visitor.put(url.upload_url, "x.bin", parts)
            said.append("")
        except OSError as error:
            said.append(str(error))
    return said


def test_two_servers_behind_sticky_sessions_serve_every_visitor(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_small_checkpoint(tmp_path)
    with running_app(tmp_path, environment={"FSL_CHECKPOINT_DIR": str(tmp_path)}) as other:
        servers = [address, other.address]
        assert serve_together(servers, 4) == []
        turns = itertools.count()
        monkeypatch.setattr("bench.two_servers.server_of", lambda *_: next(turns) % 2)
        assert serve_together(servers, 1)  # its next connection leads to the server that does not know it


def test_an_answer_takes_less_than_400_kb_and_a_click_on_it_draws_only_the_answers(address: str) -> None:
    with Visitor(address) as visitor:
        visitor.open("classify")
        for card in (0, 1):
            visitor.drop(f"class_{card}", [(f"{card}.png", picture_of(50 * card + 9))])
        before = len(visitor.seen)
        visitor.drop("queries", [("q.png", picture_of(40))])
        assert "Most like" in visitor.text
        assert len(visitor.seen) - before < 400_000
        assert visitor.is_in_a_fragment("answers")
        assert not visitor.is_in_a_fragment("class_name_0")


@pytest.mark.parametrize("declared", [True, False])
def test_a_session_uploads_no_more_than_it_may_hold(address: str, declared: bool) -> None:
    with Visitor(address) as visitor:
        visitor.open("classify")
        first, second, third = uploads(visitor, 3, 5, declared)
        assert first == ""
        assert "413" in second
        assert "at most 8 MB" in second
        assert "413" in third
        assert uploads(visitor, 1, 2, declared) == [""]  # what was refused takes no room


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(9 * MEGABYTE)}, 413),  # before any of it has come
        ({"Content-Length": "10", "Transfer-Encoding": "chunked"}, 413),
        ({"Content-Length": "9" * 30}, 400),
        ({"Content-Length": "-1"}, 400),
    ],
)
def test_an_upload_that_lies_about_its_size_is_refused(
    address: str, headers: dict[str, str], status: int
) -> None:
    with Visitor(address) as visitor:
        visitor.open("classify")
        (url,) = visitor.upload_urls(["a.bin"])
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
        connection.putrequest("PUT", url.upload_url)
        for name, value in {**headers, **visitor.headers("x")}.items():
            connection.putheader(name, value)
        connection.endheaders()
        if "Transfer-Encoding" in headers:
            part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(
                9 * MEGABYTE
            )
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        assert connection.getresponse().status == status
        connection.close()


def test_small_files_are_counted_too(address: str) -> None:
    with Visitor(address) as visitor:
        visitor.open("classify")
        assert [bool(why) for why in uploads(visitor, 8, 0)] == [False] * 6 + [True] * 2


def test_what_the_pages_hold_counts_as_well(address: str) -> None:
    large = picture_of(1_400)
    assert len(large) > 5 * MEGABYTE
    with Visitor(address) as visitor:
        visitor.open("classify")
        visitor.drop("class_0", [("large.png", large)])
        (why,) = uploads(visitor, 1, 4)
        assert "413" in why
        until(lambda: visitor.open() > 0 and "Class 1: 1 picture" in visitor.text)
        visitor.set("class_menu_0", string_trigger_value=":material/ink_eraser: Remove all pictures")
        assert uploads(visitor, 1, 4) == [""]  # kept for undo only, which would make way


def test_all_sessions_upload_no_more_than_the_server_may_hold(address: str) -> None:
    with ExitStack() as visitors:
        said: list[str] = []
        while not any(said):
            visitor = visitors.enter_context(Visitor(address))
            visitor.open("classify")
            said += uploads(visitor, 1, 7)
            assert len(said) <= 8  # of 7 MB each, and the earlier visitors' files are still there
    assert "413" in said[-1]
    assert "no memory left" in said[-1]


def test_the_api_is_beside_the_pages_and_counts_with_them(address: str) -> None:
    status, headers, _ = get(address, "/api/health")
    assert (status, headers["Content-Type"], headers["Set-Cookie"]) == (200, "application/json", None)
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    refused, _, body = get(address, "/api/health", Host="evil.example")
    assert (refused, list(json.loads(body))) == (403, ["error"])
    assert get(address, "/api")[1]["Location"] == "/api/docs"
    embed = f"{address}/api/embed"
    small = httpx2.post(
        embed, files={"image": ("a.png", picture_of(20))}, data={"checkpoint": "small"}, timeout=60
    )
    assert (small.status_code, small.json()["images"]) == (200, 1)
    large = httpx2.post(embed, files={"image": ("a.png", bytes(9 * MEGABYTE))})
    assert (large.status_code, "at most 8 MB" in large.json()["error"]) == (413, True)
    with ExitStack() as visitors:  # other tests' visitors are still remembered, so it is full after a few
        for _ in range(8):
            visitor = visitors.enter_context(Visitor(address))
            visitor.open("classify")
            uploads(visitor, 1, 7)
        full = httpx2.post(embed, files={"image": ("a.png", bytes(7 * MEGABYTE))})
        assert full.status_code == 503
        assert "no memory left" in full.json()["error"]
        assert int(full.headers["Retry-After"]) > 0


def test_an_error_that_no_part_of_a_page_catches_is_told_in_words() -> None:
    def page() -> None:
        from fsl.ui.server.stack import tell_visitor

        assert tell_visitor(ZeroDivisionError("secret detail"))

    shown = AppTest.from_function(page).run()
    assert [error.value for error in shown.error] == [UNEXPECTED]


def picture_of(side: int) -> bytes:
    """Return a large PNG."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()
