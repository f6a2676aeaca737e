"""Check two servers behind a sticky proxy: each visitor always reaches the same one, and is served.

    python -m bench two_servers [--visitors 8]

The proxy routes by the app's cookie, as the one in docs/deploy.md does. The visitors upload pictures and get
answers at the same time. Both servers share one folder of runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import random
import re
import secrets
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench._server import running_app
from bench._visitor import Visitor
from bench.load import picture
from fsl.ui.shared.visitor import COOKIE

_COOKIE = re.compile(rf"{COOKIE}=([0-9a-f]+)".encode())


def server_of(token: bytes, n_servers: int) -> int:
    """Return the number of the server that a cookie leads to."""
    return hashlib.sha256(token).digest()[0] % n_servers


@contextmanager
def sticky_proxy(servers: Sequence[str]) -> Iterator[str]:
    """Run a proxy in a thread that sends each browser to one of the servers, by its cookie."""
    loop, addresses = asyncio.new_event_loop(), [urlsplit(server) for server in servers]

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            writer.close()
            return
        found = _COOKIE.search(head)
        server = addresses[server_of(found[1] if found else b"", len(addresses))]
        there_reader, there = await asyncio.open_connection(server.hostname, server.port)
        there.write(head)
        await asyncio.gather(pump(reader, there), pump(there_reader, writer))

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    # In that thread's loop, as the caller may be inside another one.
    starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0), loop)
    try:
        listening = starting.result()
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def token_for(server: int, n_servers: int) -> str:
    """Return a new cookie that leads to that server."""
    while server_of((token := secrets.token_hex(16)).encode(), n_servers) != server:
        pass
    return token


def classify(address: str, number: int, token: str, told: list[str]) -> None:
    """Act as one visitor: two classes and a picture."""
    rng = random.Random(number)
    try:
        with Visitor(address, token=token) as visitor:
            visitor.open("classify")
            for card in (0, 1):
                visitor.drop(f"class_{card}", [(f"{number}-{card}.jpg", picture(rng))])
            visitor.drop("queries", [(f"{number}.jpg", picture(rng))])
            if "Most like" not in visitor.text and "similar enough" not in visitor.text:
                visitor.faults.append("no answer")
            told += visitor.faults
    except Exception as error:  # noqa: BLE001 - every failure counts
        told.append(f"{type(error).__name__}: {error}")


def serve_together(servers: Sequence[str], visitors: int) -> list[str]:
    """Let visitors in turn of each server classify at once through the proxy; return what went wrong."""
    faults = list[str]()
    with sticky_proxy(servers) as address:
        threads = [
            threading.Thread(
                target=classify,
                args=(address, number, token_for(number % len(servers), len(servers)), faults),
            )
            for number in range(visitors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return faults


def check(visitors: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        shared = {"FSL_RUNS_DIR": str(Path(name) / "runs")}
        servers = []
        for number in (1, 2):
            folder = Path(name) / str(number)
            folder.mkdir()
            servers.append(stack.enter_context(running_app(folder, environment=shared)).address)
        faults = serve_together(servers, visitors)
    return {"visitors": visitors, "servers": len(servers), "faults": faults}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--visitors", type=int, default=8)
    found = check(parser.parse_args().visitors)
    print(json.dumps(found, indent=1))
    if found["faults"]:
        raise SystemExit(1)
