"""Files to download, with made-up content."""

from __future__ import annotations

import hashlib

from fsl.data.download import RemoteFile


def content(url: str) -> bytes:
    """Return the bytes behind a URL."""
    return url.encode() * 1000


ROWS = [
    RemoteFile(
        f"{n}.bin", f"http://127.0.0.1/{n}", hashlib.sha256(content(f"http://127.0.0.1/{n}")).hexdigest()
    )
    for n in range(4)
]
