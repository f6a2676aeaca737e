"""Measure requests a second and waiting times of the HTTP API, against the network alone.

    python -m bench api [--checkpoint NAME] [--quick]

``fsl serve`` runs in a process of its own. 1, 8 and 32 clients each send one photo (JPEG, 1024 x 768) after
another over a connection that stays open, and get its class out of 5 with 5 support pictures each, which the
server keeps. Every photo is new to the server. The limit is the bare forward pass over prepared tensors, in
this process while the server is idle: of one picture for the time of an answer, and at the best of several
batch sizes for the pictures a second. All take turns.
"""

import http.client
import io
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import fsl
from bench._measure import Claim, finish, median, options_of, ratio, say
from bench._photos import write_photos
from bench._server import ROOT, STOP_SECONDS
from bench.inference import best_batch, ready_images
from fsl.twin.checkpoint import Checkpoint

N_CLASSES, N_SHOT, N_QUERIES = 5, 5, 20
CLIENTS = (1, 8, 32)
SECONDS, ROUNDS = 6.0, 4
_COMMENT = b"\xff\xfe\x00\x12"  # of a JPEG, with 16 bytes


@contextmanager
def running_server() -> Iterator[str]:
    """Start ``fsl serve`` and yield its host and port."""
    command = [sys.executable, "-m", "fsl", "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[5].removeprefix("http://").removesuffix("/api")
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def never_seen(photo: bytes) -> bytes:
    """Return the same photo with another comment, so that no embedding of it is kept anywhere."""
    return photo[:2] + _COMMENT + secrets.token_bytes(16) + photo[2:]


def form(name: str, file: str, data: bytes, **values: str) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a form with one file."""
    mark = secrets.token_hex(16)
    heads = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in values.items()
    )
    head = f'{heads}--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


def ask(connection: http.client.HTTPConnection, route: str, body: bytes, headers: dict[str, str]) -> dict:
    """Send a request over an open connection and return its answer."""
    connection.request("POST", f"/api/{route}", body, headers)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    if answer.status >= 400:
        raise RuntimeError(f"{answer.status}: {found['error']}")
    return found


def keep_classes(server: str, folder: Path) -> str:
    """Send the support set, and return its id."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(folder.rglob("*.jpg")):
            archive.write(file, file.relative_to(folder).as_posix())
    connection = http.client.HTTPConnection(server, timeout=120)
    kept: str = ask(connection, "support", *form("support", "classes.zip", buffer.getvalue()))["support"]
    return kept


def load(server: str, kept: str, photos: list[bytes], n_clients: int, seconds: float) -> list[float]:
    """Let clients ask for some seconds, and return how long each answer took.

    Raises:
        RuntimeError: a request was not answered, or its answer is about another one.
    """
    took: list[float] = []
    faults: list[Exception] = []
    until = time.perf_counter() + seconds

    def one(number: int) -> None:
        try:
            connection = http.client.HTTPConnection(server, timeout=120)
            for turn in count():
                if time.perf_counter() > until:
                    return
                name = f"{number}-{turn}.jpg"
                photo = never_seen(photos[(number + turn) % len(photos)])
                sent = form("query", name, photo, support_id=kept)
                began = time.perf_counter()
                found = ask(connection, "classify", *sent)
                took.append(time.perf_counter() - began)
                if [answer["query"] for answer in found["predictions"]] != [name]:
                    raise RuntimeError(f"asked about {name}, answered {found}")
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            faults.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"{len(faults)} of {n_clients} clients failed, the first: {faults[0]}")
    return took


def bare(checkpoint: Checkpoint, images: Tensor, seconds: float) -> list[float]:
    """Return how long forward passes over the same images took."""
    took = []
    until = time.perf_counter() + seconds
    with torch.inference_mode():
        while time.perf_counter() < until:
            began = time.perf_counter()
            checkpoint.twin.embed(images)
            took.append(time.perf_counter() - began)
    return took


def measure(
    checkpoint: Checkpoint, ask_for: Callable[[int], list[float]], rounds: int, seconds: float
) -> tuple[dict[str, list[list[float]]], int]:
    """Return the times of each contestant in each round, and the best batch size of the bare network."""
    size, batch = best_batch(checkpoint, 2)
    single = ready_images(checkpoint, 1)
    found: dict[str, list[list[float]]] = {}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        found.setdefault("bare, 1 picture", []).append(bare(checkpoint, single, seconds / 2))
        found.setdefault(f"bare, {size} pictures", []).append(bare(checkpoint, batch, seconds / 2))
        for n_clients in CLIENTS:
            found.setdefault(f"{n_clients} clients", []).append(ask_for(n_clients))
    return found, size


def row(name: str, rounds: list[list[float]], at_once: int, size: int) -> dict[str, object]:
    """Return a line of the table: pictures a second, and the times of an answer in milliseconds."""
    times = 1000 * np.concatenate([np.array(one) for one in rounds])
    return {
        "what": name.replace("1 clients", "1 client"),
        "answers": len(times),
        "pictures a second": round(median(rates(rounds, at_once, size)), 1),
        "median ms": round(float(np.median(times)), 1),
        "95th ms": round(float(np.quantile(times, 0.95)), 1),
    }


def rates(rounds: list[list[float]], at_once: int, size: int = 1) -> list[float]:
    """Return the pictures a second of each round: so many asked at once, each about ``size`` pictures."""
    return [at_once * size * len(times) / sum(times) for times in rounds]


def main() -> None:
    options = options_of(__doc__, ("--checkpoint", {"default": "photos"}))
    rounds, seconds = (1, 2.0) if options.quick else (ROUNDS, SECONDS)
    checkpoint = fsl.load(options.checkpoint, "cpu")
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        write_photos(Path(folder) / "classes", N_CLASSES, N_SHOT)
        write_photos(Path(folder) / "queries", N_CLASSES, N_QUERIES // N_CLASSES)
        photos = [file.read_bytes() for file in sorted((Path(folder) / "queries").rglob("*.jpg"))]
        kept = keep_classes(server, Path(folder) / "classes")
        load(server, kept, photos, max(CLIENTS), seconds / 2)  # warm up
        found, size = measure(checkpoint, lambda n: load(server, kept, photos, n, seconds), rounds, seconds)
    single, batch = found["bare, 1 picture"], found[f"bare, {size} pictures"]
    rows = [row("bare, 1 picture", single, 1, 1), row(f"bare, {size} pictures", batch, 1, size)]
    rows += [row(f"{n} clients", found[f"{n} clients"], n, 1) for n in CLIENTS]
    longer = ratio([median(one) for one in found["1 clients"]], [median(one) for one in single])
    share = ratio(rates(found["32 clients"], 32), rates(batch, 1, size))
    claims = [
        Claim(
            f"An answer over HTTP to one client, from a photo's bytes ({checkpoint.info.name}), against the "
            "bare forward pass",
            f"{rows[2]['median ms']} ms",
            f"{rows[0]['median ms']} ms",
            str(longer),
            "at most 1.5",
            longer.median <= 1.5,
        ),
        Claim(
            f"Photos a second over HTTP with 32 clients ({checkpoint.info.name}), against the bare forward "
            "pass at its best batch size",
            f"{rows[-1]['pictures a second']}",
            f"{rows[1]['pictures a second']}",
            str(share),
            "at least 0.7",
            share.median >= 0.7,
        ),
    ]
    finish("api", claims, rows, options.quick)


if __name__ == "__main__":
    main()
