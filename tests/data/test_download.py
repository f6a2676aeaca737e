"""Downloads, from this machine only: an injected fetch, and a server on the loopback address."""

from __future__ import annotations

import hashlib
import http.server
import threading
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsl.data.download import RemoteFile, cache_folder, download_files
from fsl.errors import DataError

CONTENT = {f"http://host.test/{i}": f"content {i}".encode() for i in range(20)}
ROWS = [
    RemoteFile(f"c{i % 3}/{i}.jpg", url, hashlib.sha256(content).hexdigest())
    for i, (url, content) in enumerate(CONTENT.items())
]


class Fetch:
    """Serves CONTENT, counts, and fails where told to."""

    def __init__(self, fails: Callable[[str], bool] = lambda url: False) -> None:
        self.fails, self.urls = fails, list[str]()

    def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        if self.fails(url):
            raise urllib.error.URLError("name or service not known")
        return CONTENT[url]


def test_files_arrive_and_are_not_fetched_again(tmp_path: Path) -> None:
    fetch, calls = Fetch(), list[tuple[int, int]]()
    paths = download_files(ROWS, tmp_path, lambda done, total: calls.append((done, total)), fetch)
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert calls == [(i, 20) for i in range(21)]
    assert sorted(fetch.urls) == sorted(CONTENT)
    again = Fetch()
    assert download_files(ROWS, tmp_path, None, again) == paths
    assert again.urls == []


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"c2/17\.jpg cannot be fetched from host\.test .*connection to the internet"
    ):
        download_files(ROWS, tmp_path, None, Fetch(lambda url: url.endswith("/17")))
    kept = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert 0 < len(kept) < 20
    assert not [path for path in kept if path.name.startswith(".part")]
    fetch = Fetch()
    download_files(ROWS, tmp_path, None, fetch)
    assert len(fetch.urls) == 20 - len(kept)


def test_a_file_that_was_damaged_is_fetched_again(tmp_path: Path) -> None:
    paths = download_files(ROWS, tmp_path, None, Fetch())
    paths[3].write_bytes(b"cut")
    fetch = Fetch()
    download_files(ROWS, tmp_path, None, fetch)
    assert fetch.urls == [ROWS[3].url]
    assert paths[3].read_bytes() == CONTENT[ROWS[3].url]


def test_other_content_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the expected one"):
        download_files(ROWS[:1], tmp_path, None, lambda url: b"<html>please log in</html>")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        download_files(ROWS[:1], tmp_path / "file", None, Fetch())


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FSL_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FSL_CACHE_DIR")
    assert cache_folder().parts[-2:] == (".cache", "few-shot-lab")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/good":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"good")
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
        else:
            self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


def test_over_http(tmp_path: Path, server: str) -> None:
    digest = hashlib.sha256(b"good").hexdigest()
    (path,) = download_files([RemoteFile("a.jpg", f"{server}/good", digest)], tmp_path)
    assert path.read_bytes() == b"good"
    with pytest.raises(DataError, match="answered with error 404"):
        download_files([RemoteFile("b.jpg", f"{server}/missing", digest)], tmp_path)
    with pytest.raises(DataError, match=r"c\.jpg"):
        download_files([RemoteFile("c.jpg", f"{server}/short", digest)], tmp_path)


def test_nobody_answers(tmp_path: Path, server: str) -> None:
    closed = "http://127.0.0.1:9/x"
    with pytest.raises(DataError, match="connection to the internet"):
        download_files([RemoteFile("a.jpg", closed, "0" * 64)], tmp_path)
