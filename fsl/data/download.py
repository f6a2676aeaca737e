"""Fetching a few public files into a cache folder, checked against known digests.

What arrived before a connection broke is kept, and the next attempt asks the server for the rest only.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import platformdirs

from fsl.base.errors import DataError, WriteError
from fsl.base.locks import try_lock
from fsl.base.progress import Progress

_TIMEOUT_SECONDS = 20.0
_MAX_BYTES = 64 * 2**20
_PARALLEL = 8
_PIECE = 2**16
_RANGE_REFUSED = 416
_LOOK_UP_SECONDS = 0.2


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        name: its relative path in the cache, with ``/`` between the parts.
        url: where it is.
        sha256: of its content, in hexadecimal.
    """

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Answer:
    """What a server gives for a file.

    Attributes:
        start: number of the first byte; 0 where the server ignores that only the rest was asked for.
        size: of the whole file in bytes, as far as the server says; 0 where it does not.
        pieces: the content from ``start`` on; may raise as ``fetch_url`` does.
    """

    start: int
    size: int
    pieces: Iterator[bytes]


Fetch = Callable[[str, int], Answer]
"""Gives the content behind a URL from a byte on, raising as ``fetch_url``; may be called from threads."""


class _NotFetchedError(Exception):
    """The network's fault, as against that of the disk."""

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
    """The content behind a URL, from byte ``start`` on where the server can do that (RFC 9110, section 14).

    Raises:
        OSError: it cannot be had (``urllib.error.URLError`` and ``HTTPError`` are such errors).
        http.client.HTTPException: the answer is no HTTP.
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
    """As ``download_files`` for one larger file, with progress in bytes.

    Args:
        row: the file.
        cache: the folder to keep it in.
        progress: called with the bytes there and their number (0 where the server does not say); what it
            raises breaks the download off, to be gone on with later.
        fetch: how to fetch it; by default ``fetch_url``.

    Raises:
        DataError: as ``download_files``.
    """
    path = cache / row.name

    def tell() -> None:
        if progress is not None:
            progress(_size(_part_of(path, row)), 0)

    if not _is_there(path, row):
        with _alone(path.with_name(f".lock-{path.name}"), tell):
            if not _is_there(path, row):
                _download(row, path, fetch or fetch_url, progress)
    return path


def download_files(
    rows: Sequence[RemoteFile],
    cache: Path,
    progress: Progress | None = None,
    fetch: Fetch | None = None,
) -> tuple[Path, ...]:
    """Makes sure that all files are in the cache and gives their paths, in the order of ``rows``.

    A file that is there with the right digest is not fetched again, so an interrupted download goes on where
    it stopped. A file appears under its name only when complete and checked. Whoever asks for files that
    another thread or process is fetching into that folder waits for them.

    Args:
        rows: the files.
        cache: the folder to keep them in; made if need be.
        progress: called from this thread with the files done and their number.
        fetch: how to fetch them; by default ``fetch_url``.

    Raises:
        DataError: a file cannot be fetched, or differs from what was expected.
        WriteError: a file cannot be written.
    """
    paths = tuple(cache / row.name for row in rows)

    def tell() -> None:
        if progress is not None:
            progress(sum(path.is_file() for path in paths), len(rows))

    if _missing(rows, paths):
        with _alone(cache / ".lock", tell):
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


@contextlib.contextmanager
def _alone(lock: Path, tell: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file while fetching: two who append to one partial file would spoil it.

    Args:
        lock: the file; made, and removed afterwards.
        tell: called now and then while somebody else has it; what it raises ends the wait.

    Raises:
        WriteError: it cannot be made.
    """
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("a", encoding="utf-8")
            is_mine = try_lock(file)
        except OSError as error:
            raise WriteError(lock.parent, error) from error
        with file:
            while not is_mine:
                tell()
                time.sleep(_LOOK_UP_SECONDS)
                is_mine = try_lock(file)
            if not _is_at(file, lock):
                continue  # whoever had it has removed it meanwhile, and a third may have made another
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows removes no open file; it may stay
                    lock.unlink()
            return


def _is_at(file: IO[str], path: Path) -> bool:
    """Whether the open file is the one that the path leads to now."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _is_there(path: Path, row: RemoteFile) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
    except OSError:
        return False


def _download(row: RemoteFile, path: Path, fetch: Fetch, progress: Progress | None) -> None:
    """Fetches under a name of its own, then renames: nobody ever sees half a file."""
    part = _part_of(path, row)
    resumed = _size(part) > 0
    try:
        _fetch_rest(row, part, fetch, progress)
        if resumed and not _is_there(part, row):  # what was there before belonged to something else
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
    """Brings a partial file to its end; what has arrived stays where that fails."""
    answer = _ask(row, part, fetch)
    part.parent.mkdir(parents=True, exist_ok=True)
    done = answer.start
    with part.open("ab" if done else "wb") as file, contextlib.closing(_generated(answer.pieces)) as pieces:
        for piece in pieces:
            file.write(piece)
            done += len(piece)
            if done > _MAX_BYTES:
                file.truncate(0)  # or trying again would go on from there
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
    part.unlink()  # there is no such rest: the file has another size by now
    return _ask(row, part, fetch)


def _generated(pieces: Iterator[bytes]) -> Generator[bytes]:
    """As a generator, which lets go of the connection when it is left early."""
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
