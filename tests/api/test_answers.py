"""The API's answers: the command line as their oracle, what is left out, support sets, and many clients."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx2 import Client, Request
from starlette.testclient import TestClient

from bench.recalibrate import write_header
from fsl.api.settings import ApiSettings, settings_from_environment
from fsl.base.errors import SettingsError
from fsl.data.catalogue import path_source
from fsl.data.query import ImageQuery
from fsl.fewshot.embed import CACHE
from fsl.fewshot.pair_calibration import measure_pair_rates
from fsl.twin import checkpoint as checkpoints
from fsl.twin.inference import embed_images
from fsl.twin.shared_passes import SharedPasses
from tests.helpers.api import answer, client, files, running_api, service
from tests.helpers.commands import run
from tests.helpers.pictures import COMMAND_COLOURS, noisy_png
from tests.helpers.waiting import until

COLOURS = list(COMMAND_COLOURS.values())
NAMES = [f"query{i}.png" for i in range(len(COLOURS))]


@pytest.fixture
def place(folder: Path, checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a zip of classes and queries; the small network is called photos."""
    here = folder.parent
    names = here / "checkpoints"
    names.mkdir()
    (names / "photos.safetensors").write_bytes((checkpoint_folder / "small.safetensors").read_bytes())
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(names))
    with zipfile.ZipFile(here / "classes.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder).as_posix())
    for i, colour in enumerate(COLOURS):
        (here / f"query{i}.png").write_bytes(noisy_png(colour, 50 + i))
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def api(place: Path) -> Iterator[TestClient]:
    with client() as found:
        yield found


def queries(n: int = 4) -> list[Any]:
    return [("query", (f"query{i}.png", Path(f"query{i}.png").read_bytes())) for i in range(n)]


def classes(name: str = "classes.zip") -> tuple[str, tuple[str, bytes]]:
    return "support", (name, Path(name).read_bytes())


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """Return what a command prints as JSON."""
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def same(found: Any, expected: Any) -> None:
    """Require the same keys and texts, and the same numbers but for the rounding of other batches."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            same(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            same(*pair)
    else:
        assert found == (pytest.approx(expected, abs=1e-5) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("rule", [None, "max", "prototype"])
def test_classify_answers_what_the_command_prints(
    api: TestClient, capsys: pytest.CaptureFixture[str], rule: str | None
) -> None:
    options = {"rule": rule, "threshold": "0.9"} if rule else {}
    words = [f"--{name}={value}" for name, value in options.items()]
    expected = printed(
        capsys,
        "classify",
        "--support",
        "classes.zip",
        "--query",
        *NAMES,
        *words,
    )
    same(answer(api, "classify", [classes(), *queries()], **options), expected)
    kept = answer(api, "support", [classes()], 201)
    assert kept["classes"] == dict.fromkeys(kept["classes"], 4)
    same(answer(api, "classify", queries(), support_id=kept["support"], **options), expected)


def test_compare_and_embed_answer_what_the_commands_print(
    api: TestClient, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = place / "checkpoints" / "photos.safetensors"
    loaded, data = checkpoints.load(plain), path_source(place / "data").load(ImageQuery(16))[0]
    rates = measure_pair_rates(
        loaded.twin, [(embed_images(loaded.twin, data.images), data.labels)], "colours"
    )
    write_header(plain, plain.with_name("measured.safetensors"), replace(loaded.info, pairs=rates))
    options = ("--checkpoint", "measured", "--far", "0.2")
    send = [("reference", queries(1)[0][1]), *(("probe", file) for _, file in queries())]
    expected = printed(capsys, "compare", "query0.png", *NAMES, *options)
    same(answer(api, "compare", send, checkpoint="measured", far="0.2"), expected)

    printed(capsys, "embed", "--data", "classes.zip", "--out", "out.npz", "--map", "none")
    stored = np.load("out.npz")
    found = answer(api, "embed", [("image", classes()[1])])
    assert list(found)[:3] == ["images", "dimension", "seconds"]
    assert (found["images"], found["dimension"]) == stored["embeddings"].shape
    rows = np.array([one["embedding"] for one in found["embeddings"]])
    np.testing.assert_allclose(rows, stored["embeddings"], atol=1e-5)
    assert [one["image"] for one in found["embeddings"]] == [
        f"classes.zip/{name}" for name in stored["names"]
    ]


def test_what_cannot_be_used_is_named_and_the_rest_is_answered(api: TestClient, place: Path) -> None:
    odd = "Gr\u00fc\u00df \u202egnp.\u4f60 <b>%00\u0007.png"
    with zipfile.ZipFile("classes.zip", "a") as archive:
        archive.writestr("red/broken.png", b"no picture")
    cut_off = noisy_png(COLOURS[0])[:200]
    send = [classes(), *queries(2), ("query", ("../../etc/cut.png", cut_off)), ("query", (odd, b"nothing"))]
    found = answer(api, "classify", send)
    assert [one["query"] for one in found["predictions"]] == ["query0.png", "query1.png"]
    left_out = {one["file"]: one["reason"] for one in found["left_out"]}
    broken, cut, strange = left_out
    assert (broken, cut) == ("red/broken.png", "../../etc/cut.png")
    assert "\u202e" not in strange
    assert "Gr\u00fc\u00df" in strange
    assert all(left_out.values())
    send = [classes(), ("query", ("cut.png", cut_off))]
    assert "None of the queries is a readable image (" in answer(api, "classify", send, 422)["error"]
    send = [("reference", ("a.zip", b"no zip")), ("probe", queries(1)[0][1])]
    said = answer(api, "compare", send, 422, checkpoint="photos", threshold="0.5")["error"]
    assert said == "a.zip: this is not a zip, or it is cut off or damaged."
    assert str(place) not in json.dumps(found)


@pytest.mark.parametrize(
    ("route", "send", "values", "status", "said"),
    [
        ("classify", files(query=b"x", support=b"not a zip"), {}, 422, "support0.png: this is not a zip"),
        ("classify", files(query=b"x"), {}, 400, "Give either support"),
        ("classify", files(query=b"x", support=b"x"), {"support_id": "x"}, 400, "Give either support"),
        ("classify", files(query=b"x"), {"support_id": "x"}, 422, "no support set of this id"),
        ("classify", files(support=b"x"), {}, 400, "lacks query"),
        ("classify", files(query=b"x", support=[b"x", b"y"]), {}, 400, "there 2 times"),
        ("classify", files(query=b"x", support=b"x"), {"rule": "best"}, 400, "choose one of mean, max"),
        (
            "classify",
            files(query=b"x", support=b"x"),
            {"threshold": "nan"},
            400,
            "'nan'; it must be a number",
        ),
        ("classify", files(query=b"x", support=b"x"), {"querry": "1"}, 400, "no field 'querry'"),
        ("embed", files(image=b"x"), {"checkpoint": "none"}, 422, "No network 'none' is installed here"),
        ("embed", files(image=b"x"), {"checkpoint": "../photos"}, 422, "No network"),
        ("embed", files(image=b"x"), {"checkpoint": "timm:resnet18"}, 422, "No network"),
        ("compare", files(reference=b"x", probe=b"x"), {}, 422, "No network 'faces'"),
        ("support", [], {"folder": "/etc"}, 400, "form"),
        ("support", files(support=b"x"), {"folder": "/etc"}, 400, "Give either support"),
    ],
)
def test_a_request_that_cannot_be_answered_says_why(
    api: TestClient, route: str, send: Any, values: dict[str, str], status: int, said: str
) -> None:
    assert said in answer(api, route, send, status, **values)["error"]


def test_support_sets_of_folders_of_the_server(place: Path) -> None:
    (place / "data" / "deep").symlink_to("/etc")
    settings = ApiSettings(folders={"data": place / "data"})
    with client(service(settings)) as api:

        def made(folder: str, status: int) -> Any:
            return answer(api, "support", [("folder", (None, folder.encode()))], status)  # type: ignore[list-item]

        (place / "data" / "deep").unlink()
        found = made("data", 201)
        assert found["images"] == 16
        (place / "data" / "deep").symlink_to("/etc")
        for bad in ("data/deep", "data/../..", "/etc", "data/../checkpoints", "data/\0", "data/none", ""):
            assert "Its folders: data." in made(bad, 422)["error"]
        shown = api.get(f"/api/support/{found['support']}")
        assert shown.json() == found
        assert api.delete(f"/api/support/{found['support']}").json() == {"deleted": found["support"]}
        assert api.delete(f"/api/support/{found['support']}").status_code == 404
        assert answer(api, "classify", queries(1), 422, support_id=found["support"])


def test_folders_of_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSL_API_FOLDERS", f"{place / 'data'}:{place / 'checkpoints'}")
    assert set(settings_from_environment().folders) == {"data", "checkpoints"}
    (place / "other" / "data").mkdir(parents=True)
    for more, said in ((place / "other" / "data", "called 'data'"), (place / "none", "no such folder")):
        with pytest.raises(SettingsError, match=said):
            settings_from_environment(folders=[more])


def test_support_sets_expire_and_are_bounded(place: Path) -> None:
    of, now = service(ApiSettings(most_sets=2, kept_seconds=60)), [0.0]
    of.sets._clock = lambda: now[0]
    with client(of) as api:
        first, second = (answer(api, "support", [classes()], 201)["support"] for _ in range(2))
        # 16 pictures of 16 x 16, each, and embeddings of 128 numbers
        assert of.memory.held == 2 * 16 * (16 * 16 * 3 + 4 * 128)
        refused = api.post("/api/support", files=[classes()])
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "60"
        now[0] = 40.0
        assert answer(api, "classify", queries(1), support_id=second)
        now[0] = 70.0
        assert answer(api, "classify", queries(1), 422, support_id=first)
        assert answer(api, "classify", queries(1), support_id=second)
        assert of.memory.held == 16 * (16 * 16 * 3 + 4 * 128)
        now[0] = 200.0
        assert len(of.sets) == of.memory.held == 0


def test_many_clients_get_what_one_gets(place: Path) -> None:
    """32 threads over a real connection; the network's passes are shared by several of them."""
    passes = SharedPasses(threading.Lock())
    of = service()
    of._make_passes = lambda: passes
    pictures = [noisy_png(COLOURS[i % 4], 1000 + i) for i in range(32)]
    with client(of) as api:
        name = answer(api, "support", [classes()], 201)["support"]

        def ask(to: TestClient, i: int) -> Any:
            return answer(to, "classify", [("query", (f"{i}.png", pictures[i]))], support_id=name)

        expected = [ask(api, i) for i in range(32)]
        CACHE.clear()
        before = sum(passes.sizes.values())
        with (
            running_api(of) as address,
            ThreadPoolExecutor(32) as pool,
            Client(base_url=address) as web,
        ):
            with passes.alone:  # so that all of them wait for the first pass
                found = [pool.submit(ask, web, i) for i in range(32)]  # type: ignore[arg-type]
                threading.Event().wait(0.5)
            for one, other in zip(found, expected, strict=True):
                same(one.result(60), other)
        assert sum(passes.sizes.values()) - before < 32
        assert 'fsl_api_requests_total{route="/classify",status="200"} 64.0' in of.metrics.text().decode()
    assert of.jobs.waiting == of.jobs.running == 0


def test_a_full_queue_refuses_and_loses_nothing_that_it_took(place: Path) -> None:
    of = service(ApiSettings(most_waiting=1, n_threads=1))
    passes = of.passes
    with client(of) as api, ThreadPoolExecutor(8) as pool:
        send = [classes(), *queries(1)]
        with passes.alone:
            found = [pool.submit(api.post, "/api/classify", files=send) for _ in range(8)]
            until(lambda: sum(one.done() for one in found) == 6)  # one is at work, one waits
            refused = [one for one in found if one.done()]
        answers = [one.result(60) for one in found]
    assert {one.result().status_code for one in refused} == {503}
    assert {one.result().headers["retry-after"] for one in refused} == {"1"}
    assert sorted(one.status_code for one in answers) == [200] * 2 + [503] * 6


def test_work_ends_when_the_client_hangs_up(place: Path) -> None:
    of = service()
    request = Request("POST", "http://localhost/api/classify", files=[classes(), *queries()])
    with running_api(of) as address:
        with of.passes.alone:
            CACHE.clear()
            connection = HTTPConnection(address.removeprefix("http://"))
            connection.request("POST", "/api/classify", request.read(), dict(request.headers))
            until(lambda: of.jobs.running == 1)
            connection.close()
            threading.Event().wait(0.2)
        until(lambda: 'route="/classify",status="499"' in of.metrics.text().decode())
    assert of.jobs.running == of.memory.held == 0


def test_zips_of_queries_are_taken_apart(api: TestClient) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("new/a.png", noisy_png(COLOURS[1], 7))
        archive.writestr("new/b.doc", b"text")
    found = answer(api, "classify", [classes(), ("query", ("new.zip", buffer.getvalue()))])
    assert [one["query"] for one in found["predictions"]] == ["new.zip/new/a.png"]
    assert [one["file"] for one in found["left_out"]] == ["new.zip/new/b.doc"]
