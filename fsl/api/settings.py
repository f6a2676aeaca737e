"""Settings of the HTTP API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fsl.api.cross_origin import checked_origins
from fsl.base.environment import whole_number
from fsl.base.errors import SettingsError
from fsl.config import Device

TOKEN = "FSL_API_TOKEN"
"""Environment variable with the token that clients must send."""
FOLDERS = "FSL_API_FOLDERS"
"""Environment variable with the folders that support sets may be read from, separated like ``PATH``."""
CORS = "FSL_API_CORS"
"""Environment variable with the addresses whose pages may use the API, separated by spaces."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class ApiSettings:
    """Settings of the HTTP API.

    Attributes:
        token: what clients must send as "Authorization: Bearer TOKEN"; "" lets everybody in.
        folders: folders of this machine that support sets may be read from, by the name clients use.
        hosts: host names to answer to; none answers to all.
        origins: other addresses whose pages may use the API, such as "https://example.org".
        device: where the networks compute.
        kept_seconds: how long a support set is kept after its last use.
        most_sets: support sets kept at once.
        most_waiting: requests that may wait for a thread; more are refused.
        n_threads: requests worked on at once. Their forward passes are shared, so it takes more threads than
            processors to fill a pass.
    """

    token: str = ""
    folders: Mapping[str, Path] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    device: Device = "auto"
    kept_seconds: float = 3600.0
    most_sets: int = 100
    most_waiting: int = 64
    n_threads: int = 8


def settings_from_environment(
    token: str = "", folders: Iterable[Path] = (), origins: Iterable[str] = ()
) -> ApiSettings:
    """Return the settings that the environment variables ask for; see docs/api.md.

    Args:
        token: instead of the variable's; "" for the variable's.
        folders: to add to the variable's.
        origins: addresses of pages to add to the variable's.

    Raises:
        SettingsError: a folder does not exist, or two have the same name; or an address is none.
    """
    listed_folders = [Path(one) for one in os.environ.get(FOLDERS, "").split(os.pathsep) if one]
    return ApiSettings(
        token=token or os.environ.get(TOKEN, ""),
        folders=_by_name([*listed_folders, *folders]),
        origins=checked_origins([*os.environ.get(CORS, "").split(), *origins]),
        kept_seconds=60.0 * whole_number("FSL_API_KEPT_MINUTES", 60, least=1),
        most_waiting=whole_number("FSL_API_WAITING", 64, least=1),
    )


def _by_name(folders: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders:
        path = folder.resolve()
        if not path.is_dir():
            raise SettingsError(f"{folder} is to be open to the HTTP API, but there is no such folder.")
        if found.get(path.name, path) != path:
            raise SettingsError(
                f"Two folders for the HTTP API are called {path.name!r}: {found[path.name]} and {path}. "
                "Clients could not tell them apart: rename one."
            )
        found[path.name] = path
    return found
