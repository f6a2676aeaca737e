"""The Label Studio backend, asked as Label Studio asks: its requests, recorded from its documentation."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

import fsl
from tests.helpers.pictures import COLOURS, noisy_png, picture

FILE = Path(__file__).resolve().parents[2] / "examples" / "label_studio" / "backend.py"
CONFIG = """<View><Header value="What is it?"/><Image name="photo" value="$file"/>
<Choices name="kind" toName="photo"><Choice value="red"/><Choice value="green"/></Choices></View>"""


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    found = importlib.util.spec_from_file_location("label_studio_backend", FILE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


@pytest.fixture
def client(backend: ModuleType, checkpoint_folder: Path, tmp_path: Path) -> Callable[[], TestClient]:
    """Starts the backend on the pictures of a folder; a second call restarts it."""
    for name, colour in COLOURS.items():
        for number in range(3):
            (tmp_path / f"{name}{number}.png").write_bytes(noisy_png(colour, number))
    (tmp_path / "yellow.png").write_bytes(picture((255, 255, 0)))
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    network = fsl.load(str(checkpoint_folder / "small.safetensors"))
    place = backend.Place(folder=tmp_path)

    def start() -> TestClient:
        return TestClient(backend.application(backend.Backend(network, place, tmp_path / "labels.json")))

    return start


def task(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "data": {"file": f"/data/local-files/?d={name}.png"}}


def annotation(number: int, *choices: str) -> dict[str, Any]:
    one = {"from_name": "kind", "to_name": "photo", "type": "choices", "value": {"choices": list(choices)}}
    return {"id": number, "result": [one] if choices else []}


def annotate(client: TestClient, number: int, name: str, *choices: str, action: str = "CREATED") -> None:
    event = {"action": f"ANNOTATION_{action}", "project": {"id": 3}, "task": task(number, name)}
    answer = client.post("/webhook", json={**event, "annotation": annotation(100 + number, *choices)})
    assert answer.status_code == 201, answer.text


def proposals(client: TestClient, *names: str) -> tuple[list[str | None], str]:
    tasks = [task(i, name) for i, name in enumerate(names, 50)]
    request = {"tasks": tasks, "project": "3.1700000000", "label_config": CONFIG, "params": {}}
    results = client.post("/predict", json=request).json()["results"]
    for result in results:
        for region in result["result"]:
            assert (region["from_name"], region["to_name"], region["type"]) == ("kind", "photo", "choices")
            assert 0 < region["score"] == result["score"] <= 1
    found = [r["result"][0]["value"]["choices"][0] if r["result"] else None for r in results]
    return found, results[0]["model_version"]


def test_it_proposes_from_few_labels_and_learns_from_each(client: Callable[[], TestClient]) -> None:
    with client() as asked:
        assert asked.get("/health").json()["status"] == "UP"
        setup = {
            "project": "3.17",
            "schema": CONFIG,
            "hostname": "http://127.0.0.1:8080",
            "access_token": "k",
        }
        first = asked.post("/setup", json=setup).json()["model_version"]
        assert proposals(asked, "red1") == ([None], first)
        annotate(asked, 1, "red0", "red")
        assert proposals(asked, "red1", "green1")[0] == [None, None]  # one class is no choice
        annotate(asked, 2, "green0", "green")
        found, version = proposals(asked, "red1", "green1", "blue1", "text", "missing")
        assert found == ["red", "green", None, None, None]
        assert version != first
        annotate(asked, 4, "blue0", "blue")
        assert proposals(asked, "blue1")[0] == ["blue"]
        annotate(asked, 4, "blue0", action="UPDATED")  # somebody took the choice back
        assert proposals(asked, "blue1") == ([None], version)
    with client() as asked:  # started anew
        assert proposals(asked, "red1") == (["red"], version)
        deleted = {"action": "ANNOTATIONS_DELETED", "project": {"id": 3}, "annotations": [{"id": 101}]}
        assert asked.post("/webhook", json=deleted).status_code == 201
        assert proposals(asked, "red1")[0] == [None]


def test_it_learns_all_labels_at_once(
    client: Callable[[], TestClient], backend: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [{**task(i, f"{name}0"), "annotations": [annotation(i, name)]} for i, name in enumerate(COLOURS)]
    cancelled = {**annotation(9, "red"), "was_cancelled": True}
    with client() as asked:
        request = {"project": "3.17", "label_config": CONFIG, "annotations": [*tasks, {**task(9, "grey1")}]}
        assert asked.post("/train", json=request).status_code == 201
        assert proposals(asked, *(f"{name}1" for name in COLOURS))[0] == list(COLOURS)
        exported = json.dumps([*tasks[:2], {**task(9, "blue1"), "annotations": [cancelled]}]).encode()
        addresses = []
        monkeypatch.setattr(backend.Place, "fetch", lambda _, address: addresses.append(address) or exported)
        start = {"action": "START_TRAINING", "project": {"id": 3}}
        assert asked.post("/webhook", json=start).status_code == 201
        assert addresses == ["/api/projects/3/export?exportType=JSON"]
        assert proposals(asked, "red1", "blue1")[0] == ["red", None]


def test_a_label_may_come_while_it_proposes(
    client: Callable[[], TestClient], backend: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody labels a picture while the pictures for a proposal are fetched."""
    read = backend.Place.read
    with client() as asked:
        proposals(asked, "red1")  # says which tags the project has
        annotate(asked, 1, "red0", "red")
        annotate(asked, 2, "green0", "green")

        def read_while_labelling(place: Any, address: str) -> bytes:
            monkeypatch.setattr(backend.Place, "read", read)
            annotate(asked, 3, "blue0", "blue")
            return read(place, address)

        monkeypatch.setattr(backend.Place, "read", read_while_labelling)
        assert proposals(asked, "red1")[0] == ["red"]
        assert proposals(asked, "blue1")[0] == ["blue"]


@pytest.mark.parametrize(
    "address",
    ["/data/local-files/?d=../secret.png", "http://169.254.169.254/x", "file:///etc/passwd", "//elsewhere/x"],
)
def test_it_reads_pictures_from_label_studio_alone(backend: ModuleType, tmp_path: Path, address: str) -> None:
    (tmp_path / "secret.png").write_bytes(picture("red"))
    (tmp_path / "open").mkdir()
    place = backend.Place("http://127.0.0.1:1", "key", tmp_path / "open")
    with pytest.raises(backend.DataError, match="is not"):
        place.read(address)


def test_what_is_no_request_is_refused_in_words(client: Callable[[], TestClient]) -> None:
    with client() as asked:
        assert asked.post("/predict", content=b"{").status_code == 400
        assert asked.post("/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 400
        setup = asked.post("/setup", json={"project": "3", "schema": "<View><Text/></View>"})
        assert (setup.status_code, "<Image>" in setup.json()["error"]) == (422, True)
