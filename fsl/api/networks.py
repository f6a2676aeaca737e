"""The networks that requests may name: those that are installed, each loaded once."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import fsl
from fsl.api.errors import ApiError
from fsl.base.errors import CheckpointError
from fsl.base.lru import LruCache
from fsl.config import Device
from fsl.twin.checkpoint_files import available, read_info
from fsl.twin.header import CheckpointInfo

if TYPE_CHECKING:
    from fsl.twin.checkpoint import Checkpoint

_MOST_LOADED = 4


class Networks:
    """Loads networks by name, never by a path; keeps the latest few.

    Args:
        device: where they compute.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._loading = threading.Lock()
        self._loaded: LruCache[tuple[Path, int, int], Checkpoint] = LruCache(_MOST_LOADED)

    def get(self, name: str) -> Checkpoint:
        """Return an installed network.

        Raises:
            ApiError: 422, none of that name is installed, or its file is damaged.
        """
        path = available().get(name)
        if path is None:
            raise ApiError(
                422, f"No network {name!r} is installed here. Installed: {', '.join(available()) or 'none'}."
            )
        try:
            stamp = path.stat()
            key = (path, stamp.st_mtime_ns, stamp.st_size)
            with self._loading:  # so that several first requests load it once
                found = self._loaded.get(key)
                if found is None:
                    found = fsl.load(str(path), self._device)
                    self._loaded.put(key, found)
            return found
        except (CheckpointError, OSError) as error:
            raise ApiError(422, _without_folder(error, path)) from error


def installed() -> list[dict[str, object]]:
    """Return name, title and image size of each installed network that can be read."""
    found: list[dict[str, object]] = []
    for name, path in available().items():
        try:
            info = _info(path, path.stat().st_mtime_ns)
        except (CheckpointError, OSError):
            continue  # a request that names it gets the reason
        found.append({"name": name, "title": info.title, "image_size": info.model.image_size})
    return found


@lru_cache(maxsize=256)
def _info(path: Path, modified: int) -> CheckpointInfo:
    return read_info(path)


def _without_folder(error: Exception, path: Path) -> str:
    """Return the message without the folder, which clients need not know."""
    if isinstance(error, OSError):
        return f"The network {path.stem!r} is no longer there. Name another one."
    return str(error).replace(str(path), path.name)
