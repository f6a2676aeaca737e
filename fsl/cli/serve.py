"""``serve``: answer the HTTP API alone, without the pages. Its address is printed; Ctrl+C stops it."""

from __future__ import annotations

import argparse
import socket
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, get_args

import uvicorn

from fsl.api.app import ROOT, serve_alone
from fsl.api.service import Service
from fsl.api.settings import LOOPBACK, TOKEN, ApiSettings, settings_from_environment
from fsl.base.errors import DataError, SettingsError
from fsl.base.memory import use_one_arena
from fsl.base.settings import check_range
from fsl.config import Device

if TYPE_CHECKING:
    from fsl.twin.shared_passes import SharedPasses

_STOP_SECONDS = 5
_BACKLOG = 256


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command to its parser."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: %(default)s, which only this machine reaches)",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="port to listen at, 0 for any (default: %(default)s)"
    )
    parser.add_argument(
        "--token",
        default="",
        help=f"answer only clients that send this token; the environment variable {TOKEN} keeps it off the "
        "list of processes",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="let clients make support sets from this folder and those below it; may be repeated",
    )
    parser.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="let pages of another address use the server, such as https://example.org; may be repeated",
    )
    parser.add_argument(
        "--device",
        choices=get_args(Device),
        default="auto",
        help="where to compute (default: %(default)s, which uses a GPU if there is one)",
    )


def run(options: argparse.Namespace) -> None:
    """Serve until stopped.

    Raises:
        SettingsError: others could reach the server, and there is no token; or there is no such port.
        DataError: it cannot listen there.
    """
    check_range("--port", options.port, 0, 65_535)
    settings = server_settings(options)
    # Before threads start. Unlike for the pages, torch may let its threads spin between the pieces of a pass
    # (no OMP_WAIT_POLICY): there is no page that waits for the cores meanwhile.
    use_one_arena()
    service = Service(settings, _make_passes)
    with _listening(options.host, options.port) as listener:
        address = f"http://{_in_address(options.host)}:{listener.getsockname()[1]}{ROOT}"
        print(f"The HTTP API is at {address} (what it takes: {address}/docs). Ctrl+C stops it.", flush=True)
        service.warm_up_soon()
        config = uvicorn.Config(
            serve_alone(service),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
        print("Stopped.", flush=True)


def server_settings(options: argparse.Namespace) -> ApiSettings:
    """Return the API's settings for the options of the command.

    Raises:
        SettingsError: others could reach the server, and there is no token; or a folder or the device is
            missing, or an address is none.
    """
    if options.device not in ("auto", "cpu"):
        from fsl.twin.device import choose_device  # imports torch, which a server need not wait for

        choose_device(options.device)
    settings = settings_from_environment(options.token, options.allow, options.cors)
    settings = replace(settings, device=options.device)
    if settings.token:
        return settings
    if not _is_loopback(options.host):
        raise SettingsError(
            f"--host {options.host} lets other machines reach the server, and anybody there could use it. "
            f"Give it a token that clients must send: set {TOKEN}, or --token."
        )
    # Without a token, a page elsewhere could point its own name at this machine (DNS rebinding).
    return replace(settings, hosts=LOOPBACK | {options.host})


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Connections inherit it. Otherwise an answer's body waits 40 ms for the client to confirm its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"The server cannot listen at {host}, port {port}: {reason}. Name another with --host or --port."
        ) from error


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _make_passes() -> SharedPasses:
    from fsl.twin.shared_passes import SharedPasses  # imports torch, which a server need not wait for

    return SharedPasses(Lock())
