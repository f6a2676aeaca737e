"""Fetching a few public files into a cache folder, checked against known digests."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fsl.errors import DataError

_TIMEOUT_SECONDS = 20.0
_MAX_BYTES = 64 * 2**20
_PARALLEL = 8


@dataclass(frozen=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        name: its relative path in the cache, with ``/`` between the parts.
        url: where it is.
        sha256: of its content, in hexadecimal; or, where a file's home publishes that only, its md5.
    """

    name: str
    url: str
    sha256: str


def cache_folder() -> Path:
    """Where fetched files are kept: the folder ``FSL_CACHE_DIR`` names, else ``~/.cache/few-shot-lab``."""
    named = os.environ.get("FSL_CACHE_DIR")
    return Path(named) if named else Path.home() / ".cache" / "few-shot-lab"


def fetch_url(url: str) -> bytes:
    """The content behind a URL, at most 64 MB of it.

    Raises:
        OSError: it cannot be had (``urllib.error.URLError`` and ``HTTPError`` are such errors).
        http.client.HTTPException: the answer breaks off or is no HTTP.
    """
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
        content: bytes = response.read(_MAX_BYTES)
    return content


def download_files(
    rows: Sequence[RemoteFile],
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
    fetch: Callable[[str], bytes] = fetch_url,
) -> tuple[Path, ...]:
    """Makes sure that all files are in the cache and gives their paths, in the order of ``rows``.

    A file that is there with the right digest is not fetched again, so an interrupted download goes on where
    it stopped. A file appears under its name only when complete and checked.

    Args:
        rows: the files.
        cache: the folder to keep them in; made if need be.
        progress: called from this thread with the files done and their number.
        fetch: gives the content behind a URL, raising as :func:`fetch_url` does; may be called from threads.

    Raises:
        DataError: a file cannot be fetched, differs from what was expected, or cannot be written.
    """
    paths = tuple(cache / row.name for row in rows)
    missing = [i for i, row in enumerate(rows) if not _is_there(paths[i], row)]
    done = len(rows) - len(missing)
    if progress is not None:
        progress(done, len(rows))
    pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="download")
    try:
        for _ in pool.map(lambda i: _download(rows[i], paths[i], fetch), missing):
            done += 1
            if progress is not None:
                progress(done, len(rows))
    finally:
        pool.shutdown(cancel_futures=True)
    return paths


def _is_there(path: Path, row: RemoteFile) -> bool:
    try:
        return _is_expected(path.read_bytes(), row)
    except OSError:
        return False


def _is_expected(content: bytes, row: RemoteFile) -> bool:
    digest = hashlib.md5(usedforsecurity=False) if len(row.sha256) == 32 else hashlib.sha256()
    digest.update(content)
    return digest.hexdigest() == row.sha256


def _download(row: RemoteFile, path: Path, fetch: Callable[[str], bytes]) -> None:
    try:
        content = fetch(row.url)
    except (OSError, http.client.HTTPException) as error:
        raise DataError(_not_fetched(row, error)) from error
    if not _is_expected(content, row):
        raise DataError(
            f"{row.name}: the file fetched from {urlsplit(row.url).netloc} is not the expected one "
            "(its checksum differs). Try again; a network that asks for a login first gives other content."
        )
    try:
        _write(path, content)
    except OSError as error:
        raise DataError(f"{path}: the file cannot be written ({error.strerror or error}).") from error


def _not_fetched(row: RemoteFile, error: Exception) -> str:
    host = urlsplit(row.url).netloc
    if isinstance(error, urllib.error.HTTPError):
        return f"{row.name}: {host} answered with error {error.code}. Try again later."
    reason = getattr(error, "reason", None) or error
    return (
        f"{row.name} cannot be fetched from {host} ({reason}). This needs a connection to the internet; "
        "what was fetched before is kept, and trying again goes on from there."
    )


def _write(path: Path, content: bytes) -> None:
    """Writes under a temporary name, then renames: nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
