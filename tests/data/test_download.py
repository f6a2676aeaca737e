"""Downloads, from this machine only: an injected fetch, and a server on the loopback address."""

from __future__ import annotations

import email.message
import hashlib
import http.server
import threading
import urllib.error
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fsl.base.errors import DataError, WriteError
from fsl.data import download
from fsl.data.download import Answer, RemoteFile, cache_folder, download_file, download_files

CONTENT = {f"http://host.test/{i}": f"content {i}".encode() for i in range(20)}
ROWS = [
    RemoteFile(f"c{i % 3}/{i}.jpg", url, hashlib.sha256(content).hexdigest())
    for i, (url, content) in enumerate(CONTENT.items())
]


class Fetch:
    """Serves CONTENT, counts, and fails where told to."""

    def __init__(self, fails: Callable[[str], bool] = lambda url: False) -> None:
        self.fails, self.urls = fails, list[str]()

    def __call__(self, url: str, start: int) -> Answer:
        self.urls.append(url)
        if self.fails(url):
            raise urllib.error.URLError("name or service not known")
        return whole(CONTENT[url])


def whole(content: bytes) -> Answer:
    return Answer(0, len(content), iter([content]))


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
        download_files(ROWS[:1], tmp_path, None, lambda url, start: whole(b"<html>please log in</html>"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match="file could not be written"):
        download_files(ROWS[:1], tmp_path / "file", None, Fetch())


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FSL_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FSL_CACHE_DIR")
    assert cache_folder().parts[-2:] == (".cache", "few-shot-lab")


LARGE = bytes(range(256)) * 1000
LARGE_FILE = RemoteFile("large.zip", "http://host.test/large", hashlib.sha256(LARGE).hexdigest())


class Breaking:
    """Serves LARGE in pieces, from where it is asked to or (not able) from its start, and may break off."""

    def __init__(self, able: bool = True, breaks_at: int = 0) -> None:
        self.able, self.breaks_at, self.starts = able, breaks_at, list[int]()

    def __call__(self, url: str, start: int) -> Answer:
        self.starts.append(start)
        if start > len(LARGE):
            raise urllib.error.HTTPError(url, 416, "Range Not Satisfiable", email.message.Message(), None)
        begins = start if self.able else 0
        return Answer(begins, len(LARGE), self.pieces(begins))

    def pieces(self, begins: int) -> Iterator[bytes]:
        for at in range(begins, len(LARGE), 1000):
            if self.breaks_at and at >= self.breaks_at:
                raise ConnectionResetError("connection reset")
            yield LARGE[at : at + 1000]


@pytest.mark.parametrize("able", [True, False])
def test_a_large_file_goes_on_part_way(able: bool, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="trying again goes on from there"):
        download_file(LARGE_FILE, tmp_path, None, Breaking(breaks_at=100_000))
    assert not (tmp_path / "large.zip").exists()
    server, calls = Breaking(able), list[tuple[int, int]]()
    path = download_file(LARGE_FILE, tmp_path, lambda *call: calls.append(call), server)
    assert path.read_bytes() == LARGE
    assert server.starts == [100_000]
    assert calls[0] == (101_000 if able else 1000, len(LARGE))
    assert calls[-1] == (len(LARGE), len(LARGE))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("rest", [b"of another file", LARGE + b"more"])
def test_a_rest_that_does_not_belong_is_fetched_anew(rest: bytes, tmp_path: Path) -> None:
    (tmp_path / f".part-{LARGE_FILE.sha256[:12]}-large.zip").write_bytes(rest)
    server = Breaking()
    assert download_file(LARGE_FILE, tmp_path, None, server).read_bytes() == LARGE
    assert server.starts == [len(rest), 0]


def test_what_is_far_too_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_MAX_BYTES", 100_000)
    asked = []

    def fetch(url: str, start: int) -> Answer:
        asked.append(start)
        return Answer(start, 10**9, iter([LARGE[:70_000]] * 3))

    for _ in range(2):
        with pytest.raises(DataError, match="larger than"):
            download_file(LARGE_FILE, tmp_path, fetch=fetch)
    assert asked == [0, 0]  # the second does not go on from there


def test_who_asks_meanwhile_waits_and_fetches_nothing(tmp_path: Path) -> None:
    """Two who appended to one partial file would both end with a wrong checksum."""
    begun, go_on, told = threading.Event(), threading.Event(), list[tuple[int, int]]()
    first, second = Breaking(), Breaking()

    def slowly(done: int, total: int) -> None:
        begun.set()
        assert go_on.wait(20)

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        go_on.set()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(download_file, LARGE_FILE, tmp_path, slowly, first)
        assert begun.wait(20)
        path = download_file(LARGE_FILE, tmp_path, tell, second)
        assert other.result(20) == path
    assert path.read_bytes() == LARGE
    assert (first.starts, second.starts) == ([0], [])
    assert told[0][1] == 0  # how much there will be, the one who waits does not know
    assert list(tmp_path.iterdir()) == [path]


def test_many_at_once_fetch_each_file_once(tmp_path: Path) -> None:
    fetch = Fetch()
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(download_files, ROWS, tmp_path, None, fetch) for _ in range(4)]
        assert len({one.result(20) for one in found}) == 1
    assert sorted(fetch.urls) == sorted(CONTENT)


def test_who_watches_can_break_off_and_go_on_later(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done > 50_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_file(LARGE_FILE, tmp_path, stop, Breaking())
    server = Breaking()
    assert download_file(LARGE_FILE, tmp_path, None, server).read_bytes() == LARGE
    assert 50_000 < server.starts[0] < len(LARGE)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/ranged":
            start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(LARGE) - start))
            self.end_headers()
            self.wfile.write(LARGE[start:])
            return
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
    with pytest.raises(DataError, match=r"c\.jpg .*broke off after 4 of 100 bytes"):
        download_files([RemoteFile("c.jpg", f"{server}/short", digest)], tmp_path)


def test_the_rest_over_http(tmp_path: Path, server: str) -> None:
    row = replace(LARGE_FILE, url=f"{server}/ranged")
    (tmp_path / f".part-{row.sha256[:12]}-large.zip").write_bytes(LARGE[:70_000])
    calls: list[tuple[int, int]] = []
    assert download_file(row, tmp_path, lambda *call: calls.append(call)).read_bytes() == LARGE
    assert calls[0][0] > 70_000
    assert calls[-1] == (len(LARGE), len(LARGE))


def test_nobody_answers(tmp_path: Path, server: str) -> None:
    closed = "http://127.0.0.1:9/x"
    with pytest.raises(DataError, match="connection to the internet"):
        download_files([RemoteFile("a.jpg", closed, "0" * 64)], tmp_path)
