"""Hostile files over HTTP: good ones are answered, the others named, no archive brings the server down.

A part of the corpus: other tests send all of it through the same readers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.helpers.api import answer, client, service
from tests.hostile.archives import GOOD, KEEPS, archives, zipped
from tests.hostile.images import images
from tests.hostile.watch import watching

# Large uploads lie in unnamed temporary files, as those of the pages do.
UPLOADING = f"open {tempfile.gettempdir()}"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@pytest.fixture(autouse=True)
def _small_network(checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(checkpoint_folder))


def printable(name: str) -> str:
    """Return a name that a client can send at all: UTF-8 has no half characters."""
    return name.encode(errors="replace").decode()


def test_hostile_pictures(tmp_path: Path) -> None:
    inputs = images()[::6]
    classes = ("support", ("classes.zip", zipped(GOOD)))
    queries = [("query", (f"{number} {printable(one.name)}", one.data)) for number, one in enumerate(inputs)]
    with client(service()) as api:
        # What torch does when it is used for the first time is none of the inputs' doing.
        answer(api, "classify", [classes, ("query", ("a.png", GOOD[KEEPS[0]]))], checkpoint="small")
        with watching(tmp_path) as watch:
            found = answer(api, "classify", [classes, *queries], checkpoint="small")
    assert set(watch.faults) <= {UPLOADING}
    answered = {one["query"].partition(" ")[0] for one in found["predictions"]}
    left_out = {one["file"].partition(" ")[0] for one in found["left_out"]}
    assert {str(n) for n, one in enumerate(inputs) if one.good} <= answered
    assert {str(n) for n, one in enumerate(inputs) if one.good is False} <= left_out
    assert answered | left_out >= {str(n) for n in range(len(inputs))}


def test_hostile_archives(tmp_path: Path) -> None:
    of = service()
    with client(of) as api, watching(tmp_path) as watch:
        for one in archives()[::3]:
            files = [("support", (printable(one.name), one.data))]
            response = api.post("/api/support", files=files, data={"checkpoint": "small"})
            assert response.status_code in (201, 413, 422), (one.kind, one.name, response.text)
            refused = response.status_code != 201
            assert not (one.good is False and not refused), (one.kind, one.name)
            if not refused:
                assert api.delete(f"/api/support/{response.json()['support']}").status_code == 200
    assert set(watch.faults) <= {UPLOADING}
    assert of.memory.held == 0
