"""Download public files into a cache folder and check them against known digests.

If a connection breaks, the part that arrived is kept, and the next attempt asks the server for the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from fsl.base.errors import DataError, WriteError
from fsl.base.locks import locked_file
from fsl.base.progress import Progress

_TIMEOUT_SECONDS = 20.0
_MAX_BYTES = 64 * 2**20
_PARALLEL = 8
_PIECE = 2**16
_RANGE_REFUSED = 416


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Attributes:
        name: relative path in the cache, with ``/`` between the parts.
        url: address of the file.
        sha256: digest of its content, in hexadecimal.
    """

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Answer:
    """A server's answer to a request for a file.

    Attributes:
        start: position of the first byte; 0 if the server does not support requests for the rest of a file.
        size: size of the whole file in bytes; 0 if the server does not say.
        pieces: the content from ``start`` on; raises the exceptions of ``fetch_url``.
    """

    start: int
    size: int
    pieces: Iterator[bytes]


Fetch = Callable[[str, int], Answer]
"""Requests a URL from a byte on, as ``fetch_url`` does; several threads may call it."""


class _NotFetchedError(Exception):
    """The network failed, not the disk."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True)
class Download:
    """The files of a public data set.

    Attributes:
        rows: the files.
        folder: where they are kept.
        fetch_with: how to fetch them, for tests; None for ``fetch_url``.
    """

    rows: tuple[RemoteFile, ...]
    folder: Path
    fetch_with: Fetch | None = None

    def is_done(self) -> bool:
        """Return whether all files are there, judging by their names."""
        return all((self.folder / row.name).is_file() for row in self.rows)

    def fetch(self, progress: Progress | None = None) -> tuple[Path, ...]:
        """Fetch the files that are missing or damaged, and return the paths of all.

        Args:
            progress: called with (done, total) bytes of a single file, or with files.

        Raises:
            DataError, WriteError: as ``download_files``.
        """
        if len(self.rows) == 1:
            return (download_file(self.rows[0], self.folder, progress, self.fetch_with),)
        return download_files(self.rows, self.folder, progress, self.fetch_with)


def cache_folder() -> Path:
    """Return the folder for downloads: ``FSL_CACHE_DIR``, else the user's cache folder on this system."""
    named = os.environ.get("FSL_CACHE_DIR")
    return Path(named) if named else platformdirs.user_cache_path("few-shot-lab", appauthor=False)


def fetch_url(url: str, start: int = 0) -> Answer:
    """Request a URL from byte ``start`` on, if the server supports that (RFC 9110, section 14).

    Raises:
        OSError: the request fails (``urllib.error.URLError`` and ``HTTPError`` are such errors).
        http.client.HTTPException: the answer is not valid HTTP.
    """
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    is_rest = response.status == http.HTTPStatus.PARTIAL_CONTENT
    begins = start if is_rest else 0
    length = int(response.headers.get("Content-Length") or 0)
    return Answer(begins, begins + length if length else 0, _pieces(response))


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    with response:
        while piece := response.read(_PIECE):
            yield piece


def download_file(
    row: RemoteFile, cache: Path, progress: Progress | None = None, fetch: Fetch | None = None
) -> Path:
    """Download one larger file as ``download_files`` does, with progress in bytes.

    Args:
        cache: the folder to keep it in.
        progress: called with (bytes done, bytes in all, or 0 if the server does not say). An exception that
            it raises stops the download, which a later call continues.
        fetch: how to fetch it; by default ``fetch_url``.

    Raises:
        DataError, WriteError: as ``download_files``.
    """
    path = cache / row.name

    def tell() -> None:
        if progress is not None:
            progress(_size(_part_of(path, row)), 0)

    if not _is_there(path, row):
        with locked_file(path.with_name(f".lock-{path.name}"), tell):
            if not _is_there(path, row):
                _download(row, path, fetch or fetch_url, progress)
    return path


def download_files(
    rows: Sequence[RemoteFile], cache: Path, progress: Progress | None = None, fetch: Fetch | None = None
) -> tuple[Path, ...]:
    """Download the files that are missing from the cache, and return the paths of all.

    A file with the right digest is not fetched again, so an interrupted download continues where it stopped.
    A file gets its name only when it is complete and checked. A second thread or process that asks for the
    same folder waits until the first has fetched the files.

    Args:
        cache: the folder to keep them in; it is made if it does not exist.
        progress: called from this thread with (files done, files in all).
        fetch: how to fetch them; by default ``fetch_url``.

    Raises:
        DataError: a file cannot be fetched, or its digest is wrong.
        WriteError: a file cannot be written.
    """
    paths = tuple(cache / row.name for row in rows)

    def tell() -> None:
        if progress is not None:
            progress(sum(path.is_file() for path in paths), len(rows))

    if _missing(rows, paths):
        with locked_file(cache / ".lock", tell):
            _download_missing(rows, paths, fetch or fetch_url, progress)
    elif progress is not None:
        progress(len(rows), len(rows))
    return paths


def _missing(rows: Sequence[RemoteFile], paths: Sequence[Path]) -> list[int]:
    return [i for i, row in enumerate(rows) if not _is_there(paths[i], row)]


def _download_missing(
    rows: Sequence[RemoteFile], paths: Sequence[Path], fetch: Fetch, progress: Progress | None
) -> None:
    missing = _missing(rows, paths)
    done = len(rows) - len(missing)
    if progress is not None:
        progress(done, len(rows))
    pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="download")
    try:
        for _ in pool.map(lambda i: _download(rows[i], paths[i], fetch, None), missing):
            done += 1
            if progress is not None:
                progress(done, len(rows))
    finally:
        pool.shutdown(cancel_futures=True)


def _is_there(path: Path, row: RemoteFile) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
    except OSError:
        return False


def _download(row: RemoteFile, path: Path, fetch: Fetch, progress: Progress | None) -> None:
    """Fetch into a partial file, check it, and rename it."""
    part = _part_of(path, row)
    resumed = _size(part) > 0
    try:
        _fetch_rest(row, part, fetch, progress)
        if resumed and not _is_there(part, row):  # the earlier part belonged to another file
            part.unlink()
            _fetch_rest(row, part, fetch, progress)
        if not _is_there(part, row):
            part.unlink()
            raise DataError(
                f"{row.name}: the file fetched from {urlsplit(row.url).netloc} is not the expected one "
                "(its checksum differs). Try again; a network that asks for a login first gives other "
                "content."
            )
        part.replace(path)
    except _NotFetchedError as error:
        raise DataError(_not_fetched(row, error.cause)) from error
    except OSError as error:
        raise WriteError(path, error) from error


def _part_of(path: Path, row: RemoteFile) -> Path:
    return path.with_name(f".part-{row.sha256[:12]}-{path.name}")


def _fetch_rest(row: RemoteFile, part: Path, fetch: Fetch, progress: Progress | None) -> None:
    """Complete a partial file; if that fails, keep what has arrived."""
    answer = _ask(row, part, fetch)
    part.parent.mkdir(parents=True, exist_ok=True)
    done = answer.start
    with part.open("ab" if done else "wb") as file, contextlib.closing(_generated(answer.pieces)) as pieces:
        for piece in pieces:
            file.write(piece)
            done += len(piece)
            if done > _MAX_BYTES:
                file.truncate(0)  # so that the next attempt starts anew
                raise DataError(
                    f"{row.name}: the file at {urlsplit(row.url).netloc} is larger than "
                    f"{_MAX_BYTES / 2**20:.0f} MB, so it is not the expected one. Try again later."
                )
            if progress is not None:
                progress(done, answer.size)
    if done < answer.size:
        raise _NotFetchedError(OSError(f"the answer broke off after {done:,} of {answer.size:,} bytes"))


def _ask(row: RemoteFile, part: Path, fetch: Fetch) -> Answer:
    start = _size(part)
    try:
        return fetch(row.url, start)
    except (OSError, http.client.HTTPException) as error:
        if not start or getattr(error, "code", None) != _RANGE_REFUSED:
            raise _NotFetchedError(error) from error
    part.unlink()  # the server has no such rest: its file has another size
    return _ask(row, part, fetch)


def _generated(pieces: Iterator[bytes]) -> Generator[bytes]:
    """Yield the pieces from a generator, which closes the connection if it is left early."""
    try:
        yield from pieces
    except (OSError, http.client.HTTPException) as error:
        raise _NotFetchedError(error) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _not_fetched(row: RemoteFile, error: Exception) -> str:
    host = urlsplit(row.url).netloc
    if isinstance(error, urllib.error.HTTPError):
        return f"{row.name}: {host} answered with error {error.code}. Try again later."
    reason = getattr(error, "reason", None) or error
    return (
        f"{row.name} cannot be fetched from {host} ({reason}). This needs a connection to the internet; "
        "what was fetched before is kept, and trying again goes on from there."
    )
