"""Hostile run folders: half-written lines, contradictory events, damaged settings."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsl.config import TrainConfig
from tests.hostile.archives import zipped
from tests.hostile.checkpoints import MODEL, good_checkpoint

STEP = {
    "event": "step",
    "step": 1,
    "loss": 0.7,
    "learning_rate": 0.1,
    "images_per_second": 9.0,
    "seconds": 0.1,
}
SETTINGS = {
    "train": TrainConfig(steps=9).to_json(),
    "model": MODEL.to_json(),
    "about": {"name": "mine"},
    "data": {"data": "digits"},
}


@dataclass(frozen=True)
class HostileRun:
    """A run folder: its class of input, its name, and its files by path."""

    kind: str
    name: str
    files: dict[str, bytes]


def _array(shape: tuple[int, ...], values: bytes) -> bytes:
    """A .npy file whose header states a shape, whatever it holds."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue() + values


def _packed(**arrays: bytes) -> bytes:
    return zipped({f"{name}.npy": content for name, content in arrays.items()}, zipfile.ZIP_DEFLATED)


def _followed() -> dict[str, bytes]:
    """Two pictures that a run records, as it writes them."""
    file, names = io.BytesIO(), np.array(["a", "b"])
    np.savez(
        file, thumbnails=np.zeros((2, 4, 4, 3), np.uint8), labels=np.arange(2), class_names=names, names=names
    )
    return {"snapshots/images.npz": file.getvalue()}


def runs() -> Iterator[HostileRun]:
    """All of them."""
    lines = {
        "half a line": _line() + _line()[:20],
        "half a line within": _line()[:20] + b"\n" + _line(step=2),
        "bytes": bytes(range(256)) * 4,
        "zeros": bytes(4096),
        "no objects": b'[]\n1\nnull\n"x"\n',
        "unknown event": b'{"event": "party"}\n',
        "no event": b"{}\n",
        "event a list": b'{"event": []}\n',
        "step text": _line(step="one"),
        "step negative": _line(step=-5) + _line(step=-5),
        "steps backwards": _line(step=9) + _line(step=2) + _line(step=2),
        "loss missing": b'{"event": "step", "step": 1}\n',
        "loss NaN": _line(loss="nan") + _line(step=2, loss=float("nan")),
        "loss infinite": _line(loss="inf") * 40 + b'{"event": "step", "loss": 1e999}\n',
        "loss huge": b"".join(_line(step=n, loss=1e308) for n in range(60)),
        "step huge": _line(step=10**30) + _line(step=2 * 10**30),
        "seconds negative": _line(seconds=-1.0, images_per_second=0.0),
        "number of 10,000 digits": b'{"event": "step", "step": 1' + b"0" * 10_000 + b"}\n",
        "deep": b"[" * 200_000 + b"\n" + _line(),
        "long line": b'{"event": "' + b"x" * 10**6 + b'"}\n' + _line(),
        "markup in evidence": json.dumps(
            {
                "event": "verdict",
                "step": 1,
                "kind": "stalled",
                "evidence": "![x](http://example.com)",
                "advice": "",
            }
        ).encode()
        + b"\n",
        "unknown verdict": b'{"event": "verdict", "step": 1, "kind": "odd", "evidence": "", "advice": ""}\n',
        "finished first": b'{"event": "finished", "step": 0, "seconds": 0, "stopped": false}\n' + _line(),
    }
    for name, text in lines.items():
        yield HostileRun("run with damaged events", name, {"events.jsonl": text, "config.json": _settings()})
    settings: dict[str, bytes] = {
        "half": _settings()[:50],
        "list": b"[]",
        "bytes": b"\xff\xfe\x00",
        "deep": b"[" * 200_000,
        "no steps": _settings(train={"steps": -3}),
        "steps text": _settings(train={"steps": "many"}),
        "train a list": _settings(train=[1]),
        "evaluation a number": _settings(train={"evaluation": 7}),
        "augment a text": _settings(train={"augment": "all"}),
        "model a number": _settings(model=7),
        "about a list": _settings(about=[]),
        "name an object": _settings(about={"name": {"a": 1}}),
        "name with markup": _settings(
            about={"name": "<img src=x> ![x](http://example.com) \x1b[31m\n\ud800"}
        ),
        "data outside": _settings(data={"file": "../../../etc/passwd"}),
        "data a number": _settings(data=5),
        "data somewhere": _settings(data={"data": "/etc"}),
    }
    for name, text in settings.items():
        yield HostileRun("run with damaged settings", name, {"events.jsonl": _line(), "config.json": text})
    whole = good_checkpoint()
    others: dict[str, dict[str, bytes]] = {
        "empty files": dict.fromkeys(("events.jsonl", "config.json", "checkpoint.safetensors", "phase"), b""),
        "half a checkpoint": {"checkpoint.safetensors": whole[: len(whole) // 2]},
        "pickle for a checkpoint": {"checkpoint.safetensors": b"\x80\x04\x95cposix\nsystem\n"},
        "half a state": {"state.safetensors": whole[: len(whole) // 2]},
        "state of another": {"state.safetensors": whole},
        "state with a long table": {"state.safetensors": struct.pack("<Q", 2**62) + b"{}"},
        "odd phase": {"phase": b"\xff\xfe party", "owner.lock": b""},
        "error with markup": {"error.txt": b"<script>alert(1)</script> ![x](http://example.com)\xff"},
        "damaged snapshots": {"snapshots/images.npz": b"PK\x03\x04", "snapshots/1.npy": b"\x93NUMPY"},
        "snapshots of a pickle": {"snapshots/images.npz": b"\x80\x04.", "snapshots/x.npy": b"\x80\x04."},
        "frame of a terabyte": {**_followed(), "snapshots/1.npy": _array((10**6, 10**6), bytes(64))},
        "pictures of a terabyte": {"snapshots/images.npz": _packed(thumbnails=_array((10**12,), b""))},
        "packed pictures of 200 MB": {
            "snapshots/images.npz": _packed(thumbnails=_array((200 * 2**20,), bytes(200 * 2**20)))
        },
        "damaged pictures": {
            "data.npz": b"PK\x03\x04 no",
            "config.json": _settings(data={"file": "data.npz"}),
        },
        "an old temporary file": {".checkpoint.safetensors.abc.tmp": whole[:100]},
    }
    for name, files in others.items():
        rest = {"events.jsonl": _line(), "config.json": _settings()}
        yield HostileRun("run with other files damaged", name, {**rest, **files})


def _line(**changes: Any) -> bytes:
    return json.dumps({**STEP, **changes}).encode() + b"\n"


def _settings(**changes: Any) -> bytes:
    return json.dumps({**SETTINGS, **changes}).encode()


UNREMARKABLE = (_line(), _settings())
"""Files of a hostile run that are as any run has them: what is hostile lies in another one."""
