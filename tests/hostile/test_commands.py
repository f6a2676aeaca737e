"""The corpus through the command line: exit status, one line, the good files kept, nothing elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fsl.__main__ import main
from fsl.training.status import find_run
from tests.helpers.networks import save_small_checkpoint
from tests.hostile.archives import GOOD, archives
from tests.hostile.checkpoints import checkpoints
from tests.hostile.images import images
from tests.hostile.inputs import Hostile
from tests.hostile.runs import UNREMARKABLE, runs
from tests.hostile.watch import watching

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    save_small_checkpoint(folder)
    return folder / "small.safetensors"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(a) for a in arguments])
    out = capsys.readouterr()
    assert "Traceback" not in out.err
    assert "\x1b" not in out.err
    return status, out.out, out.err


def write(folder: Path, inputs: list[Hostile]) -> None:
    folder.mkdir(parents=True)
    for number, one in enumerate(inputs):
        (folder / f"{number} {one.name}").write_bytes(one.data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of Unix")
def test_a_pipe_or_a_device_in_place_of_a_file_is_refused_at_once(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    write(tmp_path / "data" / "class", [])
    for name in ("pipe", "zero"):
        given = tmp_path / name
        for arguments in (
            ("evaluate", "--data", given, "--checkpoint", "pixels"),
            ("evaluate", "--data", tmp_path / "data", "--checkpoint", "pixels", "--classes", given),
            ("classify", "--support", given, "--query", given, "--checkpoint", weights),
            ("compare", given, given, "--checkpoint", weights, "--threshold", "0.5"),
            ("omniglot-runs", "--runs", given, "--checkpoint", weights),
        ):
            status, _, told = run(capsys, *arguments)
            assert (status, "not a plain file" in told) == (1, True), (arguments, told)


def test_a_folder_of_hostile_queries(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = images()
    write(tmp_path / "queries", inputs)
    for name, data in GOOD.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    # What torch does when it is used for the first time is none of the inputs' doing.
    good = tmp_path / "good"
    run(capsys, "classify", "--support", good, "--query", good, "--checkpoint", weights)
    with watching(tmp_path) as watch:
        status, out, err = run(
            capsys, "classify", "--support", tmp_path / "good", "--query", tmp_path / "queries",
            "--checkpoint", weights, "--json", "--csv", tmp_path / "out.csv",
        )  # fmt: skip
    assert watch.faults == []
    assert status == 0
    answered = {p["query"].partition("queries/")[2].partition(" ")[0] for p in json.loads(out)["predictions"]}
    assert {str(n) for n, one in enumerate(inputs) if one.good} <= answered
    assert not {str(n) for n, one in enumerate(inputs) if one.good is False} & answered
    assert err.count("left out") == 11  # ten are named, the others counted
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 1 + len(answered)


def test_hostile_files_named_one_by_one(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names with control characters, bytes that are no text; a pipe, a folder of nothing, a missing file."""
    write(tmp_path / "queries", [one for one in images() if one.kind == "odd name"])
    os.mkfifo(tmp_path / "queries" / "pipe.png")
    for name, data in GOOD.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(data)
    queries = [*sorted((tmp_path / "queries").iterdir()), tmp_path / "missing\n.png"]
    status, out, err = run(
        capsys, "classify", "--support", tmp_path / "good", "--query", *queries, "--checkpoint", weights
    )
    assert status == 0
    assert len(out.splitlines()) == 16
    assert all(len(line.split("\t")) == 3 for line in out.splitlines())
    assert "pipe.png: this is not a plain file" in err
    assert "missing\ufffd.png: the file cannot be opened" in err


def test_every_zip(tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "zips").mkdir()
    for one in archives():
        path = tmp_path / "zips" / f"{one.name.encode(errors='replace').decode()}"
        path.write_bytes(one.data)
        with watching(tmp_path) as watch:
            status, _, err = run(
                capsys, "embed", "--data", path, "--out", tmp_path / "out.npz", "--map", "none",
                "--checkpoint", weights,
            )  # fmt: skip
        assert watch.faults == [], one.name
        if one.keeps:
            assert status == 0, (one.name, err)
        if status:
            assert err.splitlines()[-1].startswith("fsl: "), one.name
        if one.good is False:
            assert (status, err.count("\n")) == (1, 1), one.name
            assert path.name in err


def test_every_checkpoint(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = list(checkpoints())
    for number, one in enumerate(inputs):
        (weights.parent / f"{number} {one.name}").write_bytes(one.data)
    monkeypatch.setenv("FSL_CHECKPOINT_DIR", str(weights.parent))
    with watching(tmp_path) as watch:
        status, out, err = run(capsys, "checkpoints", "--json")
    assert (status, watch.faults) == (0, [])
    assert "small" in {entry["name"] for entry in json.loads(out)}
    assert len(json.loads(out)) + err.count("left out") == len(inputs) + 1
    for number, one in enumerate(inputs):
        if one.good is False:
            path = weights.parent / f"{number} {one.name}"
            status, out, err = run(capsys, "evaluate", "--data", "digits", "--checkpoint", path)
            assert (status, out, err.count("\n")) == (1, "", 1), one.name
            assert path.name in err


def test_every_run_folder_is_resumed_or_refused(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is laid over a good run, so that only its hostile files can go wrong."""
    options = ["--data", "digits", "--start", weights, "--device", "cpu", "--batch-classes", 2]
    options += ["--batch-images", 2, "--evaluate-every", 0, "--hold-out", 0]
    run(capsys, "train", *options, "--steps", 1, "--run-dir", tmp_path / "good")
    went_on = 0
    for number, one in enumerate(runs()):
        folder = tmp_path / "runs" / f"run {number}"
        shutil.copytree(tmp_path / "good", folder)
        for file, data in one.files.items():
            if data in UNREMARKABLE:
                continue
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        with watching(tmp_path) as watch:
            status, _, err = run(capsys, "train", *options, "--steps", 2, "--run-dir", folder, "--resume")
        assert watch.faults == [], one.name
        if status:
            assert (status, err.count("\n")) == (1, 1), (one.name, err)
            assert err.startswith("fsl: "), one.name
            assert folder.name in err, one.name
        else:
            went_on += 1
            assert find_run(folder.name, folder.parent).steps_done == 2, one.name
    assert went_on > 15  # what is not needed for going on does no harm


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_below_the_output(weights: Path) -> None:
    """/dev/full takes nothing, as a disk that is full."""
    command = [sys.executable, "-m", "fsl", "checkpoints", "--json"]
    environment = {**os.environ, "FSL_CHECKPOINT_DIR": str(weights.parent)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    assert (done.returncode, done.stderr) == (1, "fsl: No space left on device.\n")


def test_an_unexpected_failure_is_one_line_and_its_traceback_is_available(
    weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("odd\nthing")

    monkeypatch.setattr("fsl.cli.checkpoints.available", fail)
    assert main(["checkpoints"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(
        "fsl: Something unexpected went wrong (ZeroDivisionError: odd thing). Set FSL_TRACE"
    )
    assert err.count("\n") == 1
    monkeypatch.setenv("FSL_TRACEBACK", "1")
    assert main(["checkpoints"]) == 1
    assert "Traceback" in capsys.readouterr().err
