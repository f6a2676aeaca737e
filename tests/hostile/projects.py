"""Hostile project zips: parts missing, contradictory, repeated without end."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

from fsl.fewshot.project import MANIFEST, Project, ProjectImage, project_bytes
from tests.hostile.images import encoded, picture
from tests.hostile.inputs import Hostile

RED, BLUE, QUERY = (ProjectImage(f"{n}.png", encoded(picture(n), "PNG")) for n in (1, 2, 3))
WORK = Project((("red", (RED,)), ("blue", (BLUE,))), (QUERY,), "max", 0.2)


def _rewritten(change: dict[str, Any] | None = None, text: bytes | None = None, drop: str = "") -> bytes:
    """The project with a changed manifest, or another text in its place, or without some files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(project_bytes(WORK))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == MANIFEST:
                data = (
                    text if text is not None else json.dumps({**json.loads(data), **(change or {})}).encode()
                )
            if not drop or not name.startswith(drop):
                new.writestr(name, data)
    return out.getvalue()


def _growing(n_pictures: int, each: int) -> bytes:
    """A project whose pictures are good ones followed by zeros, just under 200 times smaller when packed."""
    out, entries = io.BytesIO(), []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(n_pictures):
            data = encoded(picture(number), "PNG") + random.Random(number).randbytes(each // 180)
            data = data.ljust(each, b"\0")
            digest = hashlib.sha256(data).hexdigest()
            entries.append({"name": f"{number}.png", "file": f"images/{digest}.png", "sha256": digest})
            archive.writestr(f"images/{digest}.png", data)
        manifest = json.loads(zipfile.ZipFile(io.BytesIO(project_bytes(WORK))).read(MANIFEST))
        archive.writestr(MANIFEST, json.dumps({**manifest, "classes": [], "queries": entries}))
    return out.getvalue()


def projects() -> Iterator[Hostile]:
    """All of them; ``good`` says whether the project opens, be it with fewer pictures."""
    entry = json.loads(zipfile.ZipFile(io.BytesIO(project_bytes(WORK))).read(MANIFEST))["queries"][0]
    contradictions: dict[str, dict[str, Any]] = {
        "another format": {"format": 2},
        "no format": {"format": None},
        "format as text": {"format": "1"},
        "no classes": {"classes": None},
        "classes of numbers": {"classes": [1, 2]},
        "class without pictures": {"classes": [{"name": "a"}]},
        "class name a number": {"classes": [{"name": 3, "images": []}]},
        "queries an object": {"queries": {"name": "a"}},
        "picture without file": {"queries": [{"name": "a"}]},
        "file a list": {"queries": [{**entry, "file": ["a"]}]},
        "rule unknown": {"rule": "median"},
        "rule an object": {"rule": {}},
        "threshold 2": {"threshold": 2},
        "threshold NaN": {"threshold": float("nan")},
        "threshold huge": {"threshold": 10**400},
        "threshold yes": {"threshold": True},
        "checkpoint a number": {"checkpoint": 5},
        "digest a list": {"checkpoint_digest": []},
        "40000 pictures": {"queries": [entry] * 40_000},
    }
    for name, change in contradictions.items():
        yield Hostile("project that contradicts itself", f"{name}.zip", _rewritten(change), False)
    texts = {
        "empty": b"",
        "half": b'{"format": 1, "classes": [',
        "list": b"[]",
        "not UTF-8": b"\xff\xfe{}",
        "deep": b"[" * 200_000,
        "long number": b'{"format": 1' + b"0" * 10_000 + b"}",
        "17 MB": b" " * (17 * 2**20) + b"{}",
    }
    for name, text in texts.items():
        yield Hostile("project with a damaged manifest", f"{name}.zip", _rewritten(text=text), False)
    marks = "a" + "\u0301\u0327" * 60_000  # composing them in order takes the square of their number
    odd: dict[str, dict[str, Any]] = {
        "marks": {"checkpoint": marks},
        "class of 7 MB": {"classes": [{"name": "*" * 7_000_000, "images": []}]},
        "query of brackets": {"queries": [{**entry, "name": "[" * 200_000}]},
        "two of a name": {"classes": [{"name": "a", "images": []}] * 2},
    }
    for name, change in odd.items():
        yield Hostile("project with odd names", f"{name}.zip", _rewritten(change), True)
    filler = b'{"format":1,"x":[' + b"{}," * 2_000_000 + b'{}],"classes":[],"queries":[],'
    many = filler + b'"checkpoint":"","checkpoint_digest":""}'
    yield Hostile("project with a damaged manifest", "millions.zip", _rewritten(text=many), False)
    yield Hostile("project that unpacks to far more", "192 MB.zip", _growing(6, 32 * 2**20), False)
    yield Hostile("project that unpacks to far more", "150 small ones.zip", _growing(150, 2**20 - 1), False)
    yield Hostile("project with parts missing", "no manifest.zip", _rewritten(drop=MANIFEST), False)
    yield Hostile("project with parts missing", "no pictures.zip", _rewritten(drop="images/"), True)
    for name, file in {
        "outside": "../../etc/passwd",
        "absolute": "/etc/passwd",
        "nowhere": "images/x.png",
    }.items():
        data = _rewritten({"queries": [{**entry, "file": file}]})
        yield Hostile("project with parts missing", f"{name}.zip", data, True)
    yield Hostile(
        "project with a wrong picture",
        "checksum.zip",
        _rewritten({"queries": [{**entry, "sha256": "0"}]}),
        True,
    )
    yield Hostile(
        "project with a wrong picture", "same 1000 times.zip", _rewritten({"queries": [entry] * 1_000}), True
    )
    names = [
        "<script>alert(1)</script>",
        "![x](http://example.com/x.png)",
        "\x1b[31m\n\0",
        "",
        "n" * 100_000,
        "\ud800",
    ]
    for number, name in enumerate(names):
        classes = [{"name": name, "images": [entry]}, {"name": "other", "images": [entry]}]
        yield Hostile("project with odd names", f"name {number}.zip", _rewritten({"classes": classes}), True)
